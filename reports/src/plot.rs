//! A picture of samples, and of the interval in which their ratio lies, as SVG: a file of its own, or a part of an HTML page.
//!
//! On the left each turn is a column, with a mark for the sample of each way and a line at the median of each; on the right is the ratio of
//! the first two ways. Both axes begin at nothing, so that no difference looks greater than it is.

use std::fmt::Write as _;

use quick_xml::escape::escape;

use crate::clean::clean;
use crate::{Interval, Measured, Samples};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 320.0;
/// Where the lower end of both axes is, and where the upper.
const BOTTOM: f64 = 280.0;
const TOP: f64 = 60.0;
/// Where samples are, and where the ratio is, from left to right.
const SAMPLES: [f64; 2] = [80.0, 480.0];
const RATIO: [f64; 2] = [560.0, 660.0];
/// How many lines there are across at least; at most it is two and a half times as many.
const LINES: f64 = 4.0;
/// By how much an axis is longer than what is to be seen.
const SPARE: f64 = 1.1;
/// What is smaller is nothing, and what is greater than its inverse fills the axis: nothing is measured that finely.
const LEAST: f64 = 1e-12;

/// The colours of Okabe and Ito, which people who see few colours tell apart (Color Universal Design, 2008).
const COLOURS: [&str; 7] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000",
];

/// The picture. The same samples always give the same bytes.
pub fn plot(measured: &Measured) -> String {
    let title = text(&measured.title);
    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-family="sans-serif" font-size="11">"#
    );
    let conditions = text(&measured.conditions);
    let _ = writeln!(svg, "\n<title>{title}</title>\n<desc>{conditions}</desc>");
    svg += &samples(measured);
    if let Some(ratio) = measured.ratio.filter(is_drawable) {
        svg += &interval(measured, ratio);
    }
    svg + "</svg>\n"
}

/// An axis from nothing up.
struct Axis {
    most: f64,
}

impl Axis {
    /// One that is long enough for these.
    fn for_all(values: impl Iterator<Item = f64>) -> Self {
        let most = values.filter(|it| it.is_finite()).fold(0.0, f64::max);
        let most = if most > LEAST { most } else { 1.0 };
        Self {
            most: most.min(1.0 / LEAST) * SPARE,
        }
    }

    fn y(&self, value: f64) -> f64 {
        BOTTOM - value.clamp(0.0, self.most) / self.most * (BOTTOM - TOP)
    }

    /// The distance of its lines: one, two or five, times a power of ten.
    fn step(&self) -> f64 {
        let rough = self.most / LINES;
        let power = 10_f64.powf(rough.log10().floor());
        let steps = [5.0, 2.0, 1.0].map(|digit| digit * power);
        steps
            .into_iter()
            .find(|step| *step <= rough)
            .unwrap_or(power)
    }

    fn drawn(&self, [left, right]: [f64; 2], unit: &str) -> String {
        let mut svg = String::new();
        let (step, x) = (self.step(), left - 6.0);
        let values = (0..).map(|line| f64::from(line) * step);
        for value in values.take_while(|value| *value <= self.most) {
            let y = self.y(value);
            let _ = writeln!(
                svg,
                r##"<path d="M{left:.1} {y:.1}H{right:.1}" stroke="#ddd"/><text x="{x:.1}" y="{y:.1}" text-anchor="end" dominant-baseline="middle">{}</text>"##,
                shown(value)
            );
        }
        let (y, unit) = (TOP - 8.0, text(unit));
        let _ = writeln!(svg, r#"<text x="{left:.1}" y="{y:.1}">{unit}</text>"#);
        svg
    }
}

fn samples(measured: &Measured) -> String {
    let all = measured.series.iter().flat_map(|samples| &samples.values);
    let axis = Axis::for_all(all.flatten().copied());
    let mut svg = axis.drawn(SAMPLES, &measured.unit);
    for (place, samples) in measured.series.iter().enumerate() {
        svg += &way(&axis, place, samples);
    }
    svg
}

/// The name of a way, its samples, and the line of its median.
fn way(axis: &Axis, place: usize, Samples { name, values }: &Samples) -> String {
    let (colour, name) = (COLOURS[place % COLOURS.len()], text(name));
    let (x, [left, right]) = (SAMPLES[0] + 90.0 * number(place), SAMPLES);
    let mut svg = format!(
        r#"<g fill="{colour}"><circle cx="{x:.1}" cy="18" r="4"/><text x="{:.1}" y="18" dominant-baseline="middle">{name}</text>
"#,
        x + 8.0
    );
    let column = (right - left) / number(values.len().max(1));
    for (turn, value) in values.iter().enumerate() {
        let Some(value) = value.filter(|it| it.is_finite()) else {
            continue;
        };
        let (x, y) = (left + column * (number(turn) + 0.5), axis.y(value));
        let _ = writeln!(
            svg,
            r#"<circle cx="{x:.1}" cy="{y:.1}" r="3.5"><title>{name}, {}: {}</title></circle>"#,
            turn + 1,
            shown(value)
        );
    }
    if let Some(median) = median(values) {
        let y = axis.y(median);
        let _ = writeln!(
            svg,
            r#"<path d="M{left:.1} {y:.1}H{right:.1}" stroke="{colour}" stroke-dasharray="4 3"><title>{name}, the median: {}</title></path>"#,
            shown(median)
        );
    }
    svg + "</g>\n"
}

/// The interval of the ratio as an upright line, and what is claimed as one across.
fn interval(measured: &Measured, Interval { middle, low, high }: Interval) -> String {
    let wanted = measured.wanted.filter(|wanted| wanted.is_finite());
    let axis = Axis::for_all([high, wanted.unwrap_or(1.0)].into_iter());
    let mut svg = axis.drawn(RATIO, "ratio");
    let [left, right] = RATIO;
    let x = f64::midpoint(left, right);
    let [least, most, middling] = [low, high, middle].map(|value| axis.y(value));
    let told = [middle, low, high].map(shown);
    let _ = writeln!(
        svg,
        r##"<g stroke="#000"><path d="M{x:.1} {least:.1}V{most:.1}"/><circle cx="{x:.1}" cy="{middling:.1}" r="4"><title>{}, between {} and {}</title></circle></g>"##,
        told[0], told[1], told[2]
    );
    if let Some(wanted) = wanted {
        let (y, end) = (axis.y(wanted), right + 4.0);
        let _ = writeln!(
            svg,
            r##"<path d="M{left:.1} {y:.1}H{right:.1}" stroke="#d55e00" stroke-width="2"/><text x="{end:.1}" y="{y:.1}" dominant-baseline="middle">claimed</text>"##
        );
    }
    svg
}

fn is_drawable(Interval { middle, low, high }: &Interval) -> bool {
    [middle, low, high].into_iter().all(|it| it.is_finite())
}

fn median(values: &[Option<f64>]) -> Option<f64> {
    let values = values.iter().flatten().copied();
    let mut values: Vec<f64> = values.filter(|it| it.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    let (half, rest) = (values.len() / 2, values.len() % 2);
    let upper = *values.get(half)?;
    Some(if rest == 1 {
        upper
    } else {
        f64::midpoint(values[half - 1], upper)
    })
}

/// A number for people.
fn shown(value: f64) -> String {
    match value.abs() {
        size if size >= 10_000_000.0 => format!("{:.0} M", value / 1e6),
        size if size >= 10_000.0 => format!("{:.0} k", value / 1e3),
        size if size >= 100.0 || value == 0.0 => format!("{value:.0}"),
        _ => format!("{value:.2}"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a place in a list")]
fn number(place: usize) -> f64 {
    place as f64
}

fn text(words: &str) -> String {
    escape(clean(words)).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn measured(series: &[(&str, &[f64])]) -> Measured {
        let samples = |(name, values): &(&str, &[f64])| Samples {
            name: (*name).to_owned(),
            values: values.iter().copied().map(Some).collect(),
        };
        Measured {
            title: "1514 bytes at 0000:02:00.0, by a cable".into(),
            conditions: "governor performance".into(),
            unit: "frames/s".into(),
            series: series.iter().map(samples).collect(),
            ratio: None,
            wanted: None,
            raw: serde_json::Value::Null,
        }
    }

    #[test]
    fn samples_and_an_interval() {
        let mut measured = measured(&[
            ("VF", &[12_100.0, 12_500.0, 11_900.0]),
            ("e1000e", &[610.0, 595.0, 602.0]),
        ]);
        measured.ratio = Some(Interval {
            middle: 20.1,
            low: 19.5,
            high: 21.0,
        });
        measured.wanted = Some(5.0);
        insta::assert_snapshot!(plot(&measured));
    }

    #[test]
    fn an_axis_has_lines_at_plain_numbers() {
        for (most, step) in [(1.0, 0.2), (7.0, 1.0), (12_345.0, 2000.0), (0.003, 0.0005)] {
            let axis = Axis { most };
            assert!(
                (axis.step() - step).abs() < step / 1e6,
                "{most}: {}",
                axis.step()
            );
        }
    }

    proptest! {
        #[test]
        fn whatever_is_measured_makes_a_picture(name: String, values: Vec<f64>, others in prop::collection::vec(0.0..1e9, 0..20), ratio: Option<[f64; 3]>, wanted: Option<f64>) {
            let mut measured = measured(&[(&name, &values), ("b", &others)]);
            measured.ratio = ratio.map(|[middle, low, high]| Interval { middle, low, high });
            measured.wanted = wanted;
            let svg = plot(&measured);
            prop_assert!(roxmltree::Document::parse(&svg).is_ok(), "{}", svg);
            prop_assert!(!svg.contains("NaN") && !svg.contains("inf\""), "{}", svg);
        }
    }
}
