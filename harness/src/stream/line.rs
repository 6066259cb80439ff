//! What a wire carries, in frames a second.

/// What a frame takes of the wire beside its bytes: preamble, start of frame, check sequence and gap, in bytes
/// (IEEE 802.3, 3.1.1 and 4.4.2).
const ON_THE_WIRE: u16 = 24;

/// How many frames of that size, without the check sequence, a wire of that many Mbit/s carries in a second.
pub fn line_rate(megabits: u32, size: u16) -> f64 {
    let bits = (f64::from(size) + f64::from(ON_THE_WIRE)) * 8.0;
    f64::from(megabits) * 1e6 / bits
}

/// So many frames a second, and at least one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates far above what any card sends"
)]
pub fn whole(rate: f64) -> u32 {
    (rate as u32).max(1)
}

#[cfg(test)]
mod tests {
    use super::line_rate;

    #[test]
    fn a_gigabit_is_what_everybody_says_it_is() {
        let of = |size| line_rate(1000, size).round();
        assert_eq!(
            [of(60), of(1514)].map(|rate| rate.to_string()),
            ["1488095", "81274"]
        );
    }
}
