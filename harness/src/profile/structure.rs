//! Whether a text has the shape of a profile: its keys, their types and ranges.

use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::problem::Problem;
use super::repeated::repeated;
use super::shape::{Key, PROFILE, Shape, names};
use super::suggest::{hint, nearest};

/// Everything in which `root` is not a profile.
pub(super) fn check(root: &DeTable<'_>) -> Vec<Problem> {
    let first = root
        .keys()
        .map(Spanned::span)
        .min_by_key(|span| span.start)
        .unwrap_or(0..0);
    table("", &first, root, PROFILE)
}

/// The value of a whole number, if it is not beyond all bounds.
pub(super) fn whole(number: &DeInteger<'_>) -> Option<i128> {
    i128::from_str_radix(number.as_str(), number.radix()).ok()
}

fn table(path: &str, span: &Range<usize>, table: &DeTable<'_>, keys: &[Key]) -> Vec<Problem> {
    let mut problems = unknown_keys(path, table, keys);
    problems.extend(missing_keys(path, span, table, keys));
    for key in keys {
        if let Some(found) = table.get(key.name) {
            problems.extend(value(
                &below(path, key.name),
                found,
                &key.shape,
                key.example,
            ));
        }
    }
    problems
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn shown(path: &str) -> String {
    if path.is_empty() {
        "the top level".to_owned()
    } else {
        format!("`{path}`")
    }
}

fn unknown_keys(path: &str, table: &DeTable<'_>, keys: &[Key]) -> Vec<Problem> {
    let unused = unused(table, keys);
    unknown(table, keys)
        .map(|key| {
            let name = key.get_ref();
            Problem::new(key.span(), format!("unknown key `{name}`"))
                .label(format!("not a key of {}", shown(path)))
                .help(if unused.is_empty() {
                    "remove it".to_owned()
                } else {
                    hint(name, &unused)
                })
        })
        .collect()
}

fn unknown<'t, 'i>(
    table: &'t DeTable<'i>,
    keys: &[Key],
) -> impl Iterator<Item = &'t Spanned<std::borrow::Cow<'i, str>>> {
    let known = names(keys);
    table
        .keys()
        .filter(move |key| !known.contains(&key.get_ref().as_ref()))
}

/// The keys that are not there yet: only those can be what an unknown key was meant to be.
fn unused(table: &DeTable<'_>, keys: &[Key]) -> Vec<&'static str> {
    keys.iter()
        .map(|key| key.name)
        .filter(|name| !table.contains_key(*name))
        .collect()
}

/// What the unknown keys of a table were probably meant to be.
pub(super) fn meant(table: &DeTable<'_>, keys: &[Key]) -> Vec<&'static str> {
    let unused = unused(table, keys);
    unknown(table, keys)
        .filter_map(|key| nearest(key.get_ref(), &unused))
        .collect()
}

fn missing_keys(
    path: &str,
    span: &Range<usize>,
    table: &DeTable<'_>,
    keys: &[Key],
) -> Vec<Problem> {
    let meant = meant(table, keys); // already reported as a misspelt key
    keys.iter()
        .filter(|key| key.required && !table.contains_key(key.name) && !meant.contains(&key.name))
        .map(|key| {
            Problem::absent(span.clone(), format!("missing key `{}`", key.name))
                .label(format!("{} needs `{}`", shown(path), key.name))
                .help(format!("write it like `{}`", key.example))
        })
        .collect()
}

fn value(path: &str, found: &Spanned<DeValue<'_>>, shape: &Shape, example: &str) -> Vec<Problem> {
    let span = found.span();
    match (shape, found.get_ref()) {
        (Shape::Text, DeValue::String(text)) => not_blank(path, span, text),
        (Shape::Word(words), DeValue::String(text)) => one_of(path, span, text, words),
        (Shape::Count(range), DeValue::Integer(number)) => within(path, span, number, range, dec),
        (Shape::Id(range), DeValue::Integer(number)) => within(path, span, number, range, hex),
        (Shape::Ratio, DeValue::Integer(number)) => {
            let value = whole(number).and_then(|value| i32::try_from(value).ok());
            above_zero(path, span, &number.to_string(), value.map(f64::from))
        }
        (Shape::Ratio, DeValue::Float(number)) => {
            above_zero(path, span, number.as_str(), number.as_str().parse().ok())
        }
        (Shape::Filled(_), DeValue::Array(items)) if items.is_empty() => {
            vec![Problem::new(span, format!("`{path}` is empty")).help(like(example))]
        }
        (Shape::List(item) | Shape::Filled(item), DeValue::Array(items)) => {
            list(path, items, item, example)
        }
        (Shape::Table(keys), DeValue::Table(inner)) => table(path, &span, inner, keys),
        (expected, other) => vec![
            Problem::new(span, format!("`{path}` is {}", article(other.type_str())))
                .label(format!("must be {}", expectation(expected)))
                .help(like(example)),
        ],
    }
}

fn like(example: &str) -> String {
    format!("write it like `{example}`")
}

fn article(kind: &str) -> String {
    let article = if kind.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {kind}")
}

fn expectation(shape: &Shape) -> &'static str {
    match shape {
        Shape::Text => "text in quotes",
        Shape::Word(_) => "a word in quotes",
        Shape::Count(_) | Shape::Id(_) => "a whole number",
        Shape::Ratio => "a number",
        Shape::List(_) | Shape::Filled(_) => "a list",
        Shape::Table(_) => "a table",
    }
}

fn not_blank(path: &str, span: Range<usize>, text: &str) -> Vec<Problem> {
    let blank = text.trim().is_empty();
    let problem = || Problem::new(span, format!("`{path}` is empty")).label("must say something");
    blank.then(problem).into_iter().collect()
}

fn one_of(path: &str, span: Range<usize>, text: &str, words: &[&str]) -> Vec<Problem> {
    if words.contains(&text) {
        return Vec::new();
    }
    let problem = Problem::new(span, format!("`{path}` has no value `{text}`"));
    vec![
        problem
            .label("not one of the words it may be")
            .help(hint(text, words)),
    ]
}

fn dec(number: i128) -> String {
    number.to_string()
}

fn hex(number: i128) -> String {
    if number < 0 {
        number.to_string()
    } else {
        format!("0x{number:04x}")
    }
}

fn within(
    path: &str,
    span: Range<usize>,
    number: &DeInteger<'_>,
    range: &RangeInclusive<i128>,
    show: fn(i128) -> String,
) -> Vec<Problem> {
    let value = whole(number);
    if value.is_some_and(|value| range.contains(&value)) {
        return Vec::new();
    }
    let shown = value.map_or_else(|| number.to_string(), show);
    let (least, most) = (show(*range.start()), show(*range.end()));
    let problem = Problem::new(span, format!("`{path}` is {shown}, out of range"));
    vec![problem.label(format!("must be {least} to {most}"))]
}

fn above_zero(path: &str, span: Range<usize>, shown: &str, value: Option<f64>) -> Vec<Problem> {
    if value.is_some_and(|value| value.is_finite() && value > 0.0) {
        return Vec::new();
    }
    let problem = Problem::new(span, format!("`{path}` is {shown}, out of range"));
    vec![problem.label("must be above zero, and finite")]
}

fn list(path: &str, items: &[Spanned<DeValue<'_>>], item: &Shape, example: &str) -> Vec<Problem> {
    let mut problems = repeated(path, items);
    for (index, found) in items.iter().enumerate() {
        problems.extend(value(&format!("{path}[{index}]"), found, item, example));
    }
    problems
}
