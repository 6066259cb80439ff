//! What the keys of a profile may not say together.

use std::ops::Range;

use toml::de::DeTable;

use super::problem::Problem;
use super::shape::{ATTRIBUTES, CLAIMS, SOURCES, names};
use super::structure::meant;
use super::suggest::{hint, nearest};

/// The areas that checks live in. The checks of some come later than the profiles that name them.
const AREAS: &[&str] = &[
    "host", "device", "vf", "persist", "guest", "traffic", "nvme",
];

/// The claims that only a network adapter can make.
const NIC_CLAIMS: &[&str] = &[
    "max_mtu",
    "persistence",
    "vf_attributes",
    "vf_over_emulated",
    "vf_near_pf",
    "vf_cpu_over_emulated",
    "vf_latency_over_virtio",
];

/// The claims that are numbers, which nobody may make without a source.
const NUMBERS: &[&str] = &[
    "total_vfs",
    "vf_msix",
    "max_mtu",
    "vf_over_emulated",
    "vf_over_virtio",
    "vf_near_pf",
    "vf_cpu_over_emulated",
    "vf_latency_over_virtio",
];

/// A `contains` this short would match lines that nobody thought of.
const SHORTEST_LOG_TEXT: usize = 12;

/// Everything in which the keys of `root` contradict each other, or the checks there are.
pub(super) fn check(root: &DeTable<'_>, known_checks: &[&str]) -> Vec<Problem> {
    let mut problems = claims_of_another_kind(root);
    problems.extend(qos_without_vlan(root));
    problems.extend(numbers_without_source(root));
    problems.extend(sources_without_claim(root));
    problems.extend(subsystem_without_vendor(root));
    problems.extend(known_issues(root, known_checks));
    problems.extend(short_log_texts(root));
    problems
}

fn table<'t, 'i>(root: &'t DeTable<'i>, key: &str) -> Option<&'t DeTable<'i>> {
    root.get(key)?.get_ref().as_table()
}

/// The tables of a list of tables.
fn tables<'t, 'i>(root: &'t DeTable<'i>, key: &str) -> impl Iterator<Item = &'t DeTable<'i>> {
    let items = root.get(key).and_then(|list| list.get_ref().as_array());
    items
        .into_iter()
        .flatten()
        .filter_map(|item| item.get_ref().as_table())
}

fn text<'t>(table: &'t DeTable<'_>, key: &str) -> Option<(&'t str, Range<usize>)> {
    let value = table.get(key)?;
    Some((value.get_ref().as_str()?, value.span()))
}

fn key_span(table: &DeTable<'_>, key: &str) -> Option<Range<usize>> {
    table.get_key_value(key).map(|(key, _)| key.span())
}

fn claims_of_another_kind(root: &DeTable<'_>) -> Vec<Problem> {
    let (Some(("nvme", kind)), Some(claims)) = (text(root, "kind"), table(root, "claims")) else {
        return Vec::new();
    };
    let claimed = NIC_CLAIMS
        .iter()
        .filter_map(|name| Some((name, key_span(claims, name)?)));
    claimed
        .map(|(name, span)| {
            Problem::new(span, format!("`{name}` is claimed for an NVMe controller"))
                .label("only a network adapter can claim it")
                .against(kind.clone(), "the kind is given here")
                .help("remove the claim and its source")
        })
        .collect()
}

/// `ip link set … vf N` takes a priority only beside a VLAN (`ip-link(8)`).
fn qos_without_vlan(root: &DeTable<'_>) -> Option<Problem> {
    let claims = table(root, "claims")?;
    let list = claims.get("vf_attributes")?.get_ref().as_array()?;
    let words = || {
        list.iter()
            .filter_map(|item| Some((item.get_ref().as_str()?, item.span())))
    };
    let (_, qos) = words().find(|(word, _)| *word == "qos")?;
    let vlan = words().any(|(word, _)| nearest(word, ATTRIBUTES) == Some("vlan")); // or meant to be
    (!vlan).then(|| {
        Problem::new(qos, "`qos` is claimed without `vlan`")
            .label("a priority is set together with a VLAN")
            .help("claim `vlan` too, or remove `qos`")
    })
}

fn numbers_without_source(root: &DeTable<'_>) -> Vec<Problem> {
    let Some(claims) = table(root, "claims") else {
        return Vec::new();
    };
    let sourced = |name: &&&str| {
        table(root, "sources").is_some_and(|sources| {
            sources.contains_key(**name) || meant(sources, SOURCES).contains(*name)
        })
    };
    NUMBERS
        .iter()
        .filter(|name| !sourced(name))
        .filter_map(|name| Some((name, key_span(claims, name)?)))
        .map(|(name, span)| {
            Problem::absent(span, format!("no source for `{name}`"))
                .label("every number needs a source")
                .help(format!(
                    "add `{name} = \"…\"` under `[sources]`, or remove the claim"
                ))
        })
        .collect()
}

fn sources_without_claim(root: &DeTable<'_>) -> Vec<Problem> {
    let Some(sources) = table(root, "sources") else {
        return Vec::new();
    };
    let claims = table(root, "claims");
    let claimed = |name: &str| {
        claims.is_some_and(|claims| {
            claims.contains_key(name) || meant(claims, CLAIMS).contains(&name)
        })
    };
    names(CLAIMS)
        .into_iter()
        .filter(|name| !claimed(name))
        .filter_map(|name| Some((name, key_span(sources, name)?)))
        .map(|(name, span)| {
            Problem::absent(span, format!("a source for `{name}`, which is not claimed"))
                .label("nothing rests on it")
                .help(format!(
                    "claim `{name}` under `[claims]`, or remove its source"
                ))
        })
        .collect()
}

/// A subsystem id means nothing without the vendor that gave it.
fn subsystem_without_vendor(root: &DeTable<'_>) -> Vec<Problem> {
    tables(root, "match")
        .filter(|entry| !entry.contains_key("subsystem_vendor"))
        .filter_map(|entry| key_span(entry, "subsystem_device"))
        .map(|span| {
            Problem::new(span, "`subsystem_device` without `subsystem_vendor`")
                .label("an id means nothing without its vendor")
                .help("add `subsystem_vendor = 0x…` beside it")
        })
        .collect()
}

fn known_issues(root: &DeTable<'_>, known_checks: &[&str]) -> Vec<Problem> {
    let mut before: Vec<(&str, Range<usize>)> = Vec::new();
    let mut problems = Vec::new();
    for (id, span) in tables(root, "known_issue").filter_map(|issue| text(issue, "check")) {
        if let Some((_, first)) = before.iter().find(|(other, _)| *other == id) {
            problems.push(
                Problem::new(span.clone(), format!("two known issues for `{id}`"))
                    .label("merge them into one")
                    .against(first.clone(), "first given here"),
            );
        }
        problems.extend(unknown_check(id, span.clone(), known_checks));
        before.push((id, span));
    }
    problems
}

fn unknown_check(id: &str, span: Range<usize>, known_checks: &[&str]) -> Option<Problem> {
    if id.trim().is_empty() || known_checks.contains(&id) {
        return None;
    }
    let problem = Problem::new(span, format!("no check is called `{id}`"));
    let Some((area, name)) = id.split_once("::") else {
        return Some(
            problem
                .label("must be `area::name`")
                .help(hint(id, known_checks)),
        );
    };
    if !AREAS.contains(&area) {
        return Some(
            problem
                .label(format!("no area is called `{area}`"))
                .help(hint(area, AREAS)),
        );
    }
    let of_area: Vec<&str> = known_checks
        .iter()
        .copied()
        .filter(|known| in_area(known, area))
        .collect();
    // An area without any check comes later; until then its ids cannot be told right from wrong.
    let later = of_area.is_empty() && !name.is_empty();
    (!later).then(|| {
        problem
            .label("must be a check's id")
            .help(hint(id, &of_area))
    })
}

fn in_area(id: &str, area: &str) -> bool {
    id.split_once("::").is_some_and(|(of, _)| of == area)
}

fn short_log_texts(root: &DeTable<'_>) -> Vec<Problem> {
    tables(root, "kernel_log")
        .filter_map(|entry| text(entry, "contains"))
        .filter(|(text, _)| {
            let length = text.trim().chars().count();
            (1..SHORTEST_LOG_TEXT).contains(&length)
        })
        .map(|(text, span)| {
            Problem::new(
                span,
                format!("`contains` is {text:?}, which many lines may contain"),
            )
            .label(format!("must have at least {SHORTEST_LOG_TEXT} characters"))
            .help("quote as much of the line as is always the same")
        })
        .collect()
}
