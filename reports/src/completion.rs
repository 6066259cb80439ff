//! Adds to a suite what the crate `junit-report` cannot write: its properties and how many cases were skipped.

use std::io;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, Writer};

/// What is to be added to the only suite of a file.
pub(crate) struct Completion {
    /// Name and value; both are escaped here, and must be clean.
    pub(crate) properties: Vec<(String, String)>,
    /// The suite's `skipped` count.
    pub(crate) skipped: usize,
    /// Attributes of the suite that `junit-report` always writes, but about which nothing is known.
    pub(crate) unknown: Vec<&'static str>,
}

impl Completion {
    /// The file with the additions, indented for the people who read it as text.
    pub(crate) fn apply(&self, xml: &[u8]) -> io::Result<Vec<u8>> {
        let mut reader = Reader::from_reader(xml);
        let mut writer = Writer::new_with_indent(Vec::with_capacity(xml.len() * 2), b' ', 2);
        loop {
            match reader.read_event().map_err(io::Error::other)? {
                Event::Eof => return Ok(writer.into_inner()),
                Event::Start(suite) if suite.name().as_ref() == b"testsuite" => {
                    writer.write_event(Event::Start(self.start(&suite)?))?;
                    self.write_properties(&mut writer)?;
                }
                event => writer.write_event(event)?,
            }
        }
    }

    fn start(&self, suite: &BytesStart<'_>) -> io::Result<BytesStart<'static>> {
        let mut start = BytesStart::new("testsuite");
        for attribute in suite.attributes() {
            let attribute = attribute.map_err(io::Error::other)?;
            let key = attribute.key.as_ref();
            if !self.unknown.iter().any(|unknown| unknown.as_bytes() == key) {
                start.push_attribute(attribute);
            }
        }
        start.push_attribute(("skipped", self.skipped.to_string().as_str()));
        Ok(start)
    }

    fn write_properties(&self, writer: &mut Writer<Vec<u8>>) -> io::Result<()> {
        let element = writer.create_element("properties");
        element.write_inner_content(|writer| {
            for (name, value) in &self.properties {
                let property = writer.create_element("property");
                property
                    .with_attributes([("name", name.as_str()), ("value", value.as_str())])
                    .write_empty()?;
            }
            Ok(())
        })?;
        Ok(())
    }
}
