//! What a check measured, for people to look at and for machines to count with.

use serde::{Deserialize, Serialize};

/// Samples of several ways, which were measured in turns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// What was measured, in words.
    pub title: String,
    /// What else decides about it, in words: another machine may measure something else.
    pub conditions: String,
    /// What the samples are numbers of, such as `frames/s`.
    pub unit: String,
    /// The ways.
    pub series: Vec<Samples>,
    /// How many times as much the first way has as the second, where enough was measured to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio: Option<Interval>,
    /// How many times as much it has to have at least, where that is claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted: Option<f64>,
    /// All that the samples were made from.
    pub raw: serde_json::Value,
}

/// The samples of one way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Samples {
    /// What the way is called.
    pub name: String,
    /// One of each turn; none where what was measured is no number, such as a rate in no time.
    pub values: Vec<Option<f64>>,
}

/// Where something lies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The best guess.
    pub middle: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}
