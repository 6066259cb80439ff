//! One rule of udev, as far as it has to do with the number of VFs.
//!
//! Source: udev(7), "Rules files" and "Operators".

/// What a rule that sets a number of VFs asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    /// What must hold for it to be applied.
    pub conditions: Vec<Condition>,
    /// What it writes to `sriov_numvfs` of the interface's device.
    pub numvfs: String,
}

/// `KEY=="value"` or `KEY!="value"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    /// The key, with what it has in braces.
    pub key: String,
    /// Whether the value must be this, or must not.
    pub equal: bool,
    /// The value.
    pub value: String,
}

/// The rules of a file that assign a number of VFs. Others do not matter here, and neither do lines
/// that udev would not understand: it leaves them out too.
pub(super) fn rules(file: &str) -> Vec<Rule> {
    let joined = file.replace("\\\n", "");
    joined.lines().filter_map(rule).collect()
}

fn rule(line: &str) -> Option<Rule> {
    let mut rest = line.trim();
    if rest.starts_with('#') {
        return None;
    }
    let (mut conditions, mut numvfs) = (Vec::new(), None);
    while !rest.is_empty() {
        let (key, operator, value, after) = token(rest)?;
        match operator {
            "==" | "!=" => conditions.push(Condition {
                key: key.to_owned(),
                equal: operator == "==",
                value: value.to_owned(),
            }),
            _ if key == "ATTR{device/sriov_numvfs}" => numvfs = Some(value.to_owned()),
            _ => {}
        }
        rest = after.trim_start_matches([',', ' ', '\t']);
    }
    Some(Rule {
        conditions,
        numvfs: numvfs?,
    })
}

/// The first key, operator and value, and what comes behind them.
fn token(text: &str) -> Option<(&str, &str, &str, &str)> {
    let key = &text[..text.find('=')?];
    let key = key.trim_end_matches(['!', '+', '-', ':']);
    let rest = &text[key.len()..];
    let operator = &rest[..rest.find(|c| !"=!+-:".contains(c))?];
    let quoted = rest[operator.len()..].trim_start().strip_prefix('"')?;
    let (value, after) = quoted.split_once('"')?;
    Some((key.trim(), operator, value, after))
}

#[cfg(test)]
mod tests {
    use super::{Condition, Rule, rules};

    /// RHEL 9, 14.7.2, step 4.
    const RHEL: &str = r#"ACTION=="add", SUBSYSTEM=="net", ENV{ID_NET_DRIVER}=="ixgbe", ATTR{device/sriov_numvfs}="2""#;

    fn rule(conditions: &[(&str, bool, &str)]) -> Rule {
        let conditions = conditions.iter();
        let conditions = conditions.map(|(key, equal, value)| Condition {
            key: (*key).into(),
            equal: *equal,
            value: (*value).into(),
        });
        Rule {
            conditions: conditions.collect(),
            numvfs: "2".into(),
        }
    }

    #[test]
    fn the_rule_of_the_requirement() {
        let expected = rule(&[
            ("ACTION", true, "add"),
            ("SUBSYSTEM", true, "net"),
            ("ENV{ID_NET_DRIVER}", true, "ixgbe"),
        ]);
        assert_eq!(rules(RHEL), [expected]);
    }

    #[test]
    fn keys_come_in_any_order_with_or_without_blanks() {
        let file = "# a comment\n\nATTR{device/sriov_numvfs}=\"2\",KERNELS==\"0000:01:00.0\" ,\\\n  ACTION != \"remove\"\n";
        let expected = rule(&[
            ("KERNELS", true, "0000:01:00.0"),
            ("ACTION", false, "remove"),
        ]);
        assert_eq!(rules(file), [expected]);
    }

    #[test]
    fn what_else_a_rule_does_is_no_condition() {
        let file =
            r#"SUBSYSTEM=="net", RUN+="/bin/a, b", NAME:="wan", ATTR{device/sriov_numvfs}="2""#;
        assert_eq!(rules(file), [rule(&[("SUBSYSTEM", true, "net")])]);
    }

    #[test]
    fn other_lines_are_no_such_rules() {
        for line in [
            "",
            "# ACTION",
            r#"ACTION=="add", RUN+="/bin/true""#,
            r#"ATTR{device/sriov_numvfs}=="2""#,
            r#"ATTR{device/sriov_numvfs}="2"#,
            "nonsense",
        ] {
            assert_eq!(rules(line), [], "{line}");
        }
    }
}
