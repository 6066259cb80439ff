//! Entries that a list has twice.

use std::borrow::Cow;
use std::collections::HashMap;

use toml::Spanned;
use toml::de::DeValue;

use super::problem::Problem;
use super::structure::whole;

/// Every entry of a list that equals one before it.
pub(super) fn repeated(path: &str, items: &[Spanned<DeValue<'_>>]) -> Vec<Problem> {
    let mut first = HashMap::new();
    let mut problems = Vec::new();
    for item in items {
        let before = first
            .entry(canonical(item.get_ref()))
            .or_insert_with(|| item.span());
        if *before != item.span() {
            problems.push(
                Problem::new(item.span(), format!("`{path}` has the same entry twice"))
                    .label("remove one")
                    .against(before.clone(), "first given here"),
            );
        }
    }
    problems
}

/// A text that is the same for equal values, however they are written: 0x10 and 16 are equal.
fn canonical(value: &DeValue<'_>) -> String {
    match value {
        DeValue::Integer(number) => {
            whole(number).map_or_else(|| number.to_string(), |value| value.to_string())
        }
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(value) => value.to_string(),
        DeValue::Array(items) => format!(
            "{:?}",
            items
                .iter()
                .map(|item| canonical(item.get_ref()))
                .collect::<Vec<_>>()
        ),
        DeValue::Table(table) => {
            let entry = |(key, value): (&Spanned<Cow<'_, str>>, &Spanned<DeValue<'_>>)| {
                format!("{:?}={}", key.get_ref(), canonical(value.get_ref()))
            };
            table.iter().map(entry).collect::<Vec<_>>().join(",")
        }
    }
}
