//! XML documents, identified by their root element.

use quick_xml::events::Event;
use quick_xml::{Reader, de};
use serde::de::DeserializeOwned;

pub(super) trait Document: DeserializeOwned {
    const ROOT: &'static str;
}

/// Parses a complete document of this kind.
pub(super) fn parse<T: Document>(body: &[u8]) -> Option<T> {
    let text = std::str::from_utf8(body).ok()?;
    (root(text)? == T::ROOT).then(|| de::from_str(text).ok())?
}

fn root(text: &str) -> Option<String> {
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => return Some(start.local_name().as_ref().to_owned()),
            Event::Decl(_)
            | Event::Comment(_)
            | Event::Text(_)
            | Event::DocType(_)
            | Event::PI(_) => {}
            Event::Empty(_)
            | Event::End(_)
            | Event::CData(_)
            | Event::GeneralRef(_)
            | Event::Eof => return None,
        }
    }
}
