//! A profile drafted from a card is a profile.

use harness::facts;
use harness::profile::{self, Profile};
use suite::checks;
use suite::simulated::{runtime, subject};

#[test]
fn a_draft_of_every_simulated_card_is_a_profile_that_fits_the_card() {
    for shipped in profile::shipped(&checks::ids()) {
        let reading = subject(shipped, None, Vec::new());
        let subject = runtime().unwrap().block_on(reading).unwrap();
        let (shipped, facts) = (&subject.profile, &subject.facts);
        let text = facts::draft(&facts.host, &facts.device).unwrap();
        let drafted = Profile::parse("draft", "draft.toml", &text, &checks::ids())
            .unwrap_or_else(|problems| panic!("{}: {}", shipped.id, problems.render(false)));
        assert_eq!(drafted.kind, shipped.kind, "{}", shipped.id);
        assert_eq!(drafted.driver.pf, shipped.driver.pf, "{}", shipped.id);
        let total = facts.device.sriov.map(|sriov| sriov.totalvfs);
        assert_eq!(drafted.claims.total_vfs, total, "{}", shipped.id);
        let drafted = [drafted];
        let chosen = profile::choose(&drafted, &facts.device.ids).unwrap();
        assert!(chosen.is_some(), "{}: the draft does not match", shipped.id);
    }
}
