//! Header fields of requests as manifests give them: secrets by reference, anything else as text.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::CredentialRef;
use super::reference::{reference, shown_reference};
use crate::diagnostic::shown;
use crate::field::{Shape, Value, Wrong, is_http_token, parsed, wrong};
use crate::transport::node::interned;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderText {
    Text(String),
    Secret(CredentialRef),
}

impl HeaderText {
    fn show(&self) -> Json {
        match self {
            Self::Text(text) => json!(text),
            Self::Secret(reference) => shown_reference(reference),
        }
    }
}

/// A method's or a header field's name.
pub(crate) fn token(title: &'static str) -> Shape<&'static str> {
    let parse = move |text: &str| match is_http_token(text) {
        true => Ok(text.to_owned()),
        false => Err(wrong(format!("`{}` is no {title}", shown(text)), "")),
    };
    parsed(title, parse).via(
        |text: String| Some(interned(&text)),
        |text| (*text).to_owned(),
    )
}

/// Header fields by name, in lower case. `parse` takes a name and its text; `example` is a variable's name in
/// hints.
pub(crate) fn header_texts(
    example: &'static str,
    parse: fn(&str, &str) -> Result<String, Wrong>,
) -> Shape<BTreeMap<&'static str, HeaderText>> {
    let read = move |value: Value<'_>| {
        let read = |(name, given): (&str, Value<'_>)| {
            if !is_http_token(name) {
                return given.push(format!("`{}` is no header field", shown(name)), None);
            }
            let found = match given.scalar().is_some() && !is_secret(name) {
                true => HeaderText::Text(match parse(name, given.text()?) {
                    Ok(text) => text,
                    Err(wrong) => return given.refuse(wrong),
                }),
                false => HeaderText::Secret(reference(example).read(given)?.value),
            };
            Some((interned(&name.to_ascii_lowercase()), found))
        };
        let all: Vec<_> = value.entries()?.map(read).collect();
        all.into_iter().collect()
    };
    let schema = move || {
        json!({
            "title": "headers",
            "type": "object",
            "additionalProperties": { "anyOf": [{ "type": "string" }, reference(example).schema()] }
        })
    };
    Shape::new(schema, read, |texts: &BTreeMap<_, HeaderText>| {
        let shown = texts
            .iter()
            .map(|(name, text): (&&str, _)| ((*name).to_owned(), text.show()));
        Json::Object(shown.collect())
    })
}

/// Header fields whose values must not be written into a manifest.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let parts = ["authorization", "cookie", "token", "secret", "password"];
    parts.iter().any(|part| name.contains(part))
}
