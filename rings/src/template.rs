//! A frame that is sent again and again.

/// A frame that was built once. What stands before its payload stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// All of it but the check sequence.
    pub bytes: Vec<u8>,
    /// Where the payload begins, which is patched before each sending.
    pub payload: usize,
}

impl Template {
    /// The longest of some, in bytes; 0 for none.
    pub(crate) fn longest(templates: &[Self]) -> usize {
        let lengths = templates.iter().map(|template| template.bytes.len());
        lengths.max().unwrap_or(0)
    }
}
