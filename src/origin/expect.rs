//! How to tell that a file is at the origin.

use serde_json::json;

use crate::credential::header::token;
use crate::entry::Generation;
use crate::field::{
    Block as _, Shape, Value, block, field, is_header_text, mapping, parsed, wrong,
};
use crate::transport::node::interned;
use crate::url::CdnUrl;
use crate::verify::Wanted;

/// Placeholder for the applied commit.
const REVISION: &str = "${revision}";

/// How to tell that a file is at the origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    Content,
    /// By any successful answer.
    Status,
    /// By a header field of every answer, which tells the release.
    Header {
        name: &'static str,
        equals: String,
    },
    /// By a file that tells the release of all others.
    File {
        path: String,
        equals: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    Content(Generation),
    /// One of `origin.gone`.
    Gone,
    /// Any success or redirect.
    Found,
    /// This header field; if the file is gone, its status may do without it.
    Header {
        name: &'static str,
        value: String,
        may_be_gone: bool,
    },
    Text(String),
}

impl Expect {
    const WORDS: [(&'static str, Self); 2] = [("content", Self::Content), ("status", Self::Status)];

    pub fn needs_revision(&self) -> bool {
        match self {
            Self::Content | Self::Status => false,
            Self::Header { equals, .. } | Self::File { equals, .. } => equals.contains(REVISION),
        }
    }

    /// What the answer for a URL must be; `None` if no answer would tell. `revision` is the applied commit.
    pub fn expected(&self, wanted: &Wanted, revision: &str) -> Option<Expected> {
        let filled = |equals: &str| equals.replace(REVISION, revision);
        Some(match (self, wanted) {
            (Self::Content, Wanted::Content(generation)) => Expected::Content(generation.clone()),
            (Self::Content, Wanted::Anything) => return None,
            (Self::Content | Self::Status, Wanted::Gone) => Expected::Gone,
            (Self::Status, Wanted::Content(_) | Wanted::Anything) => Expected::Found,
            (Self::Header { name, equals }, _) => Expected::Header {
                name,
                value: filled(equals),
                may_be_gone: *wanted == Wanted::Gone,
            },
            (Self::File { equals, .. }, _) => Expected::Text(filled(equals)),
        })
    }

    /// Whether it tells the release of an answer, whatever its bytes.
    pub const fn tells_release(&self) -> bool {
        match self {
            Self::Content | Self::Status => false,
            Self::Header { .. } | Self::File { .. } => true,
        }
    }

    /// What the origin's answer for a URL must be so that edges can be compared with it (a release file must
    /// also match); `None` if nothing tells its release.
    pub fn told_by(&self, wanted: &Wanted, revision: &str) -> Option<Expected> {
        match (self, wanted) {
            (Self::Content | Self::Status | Self::File { .. }, Wanted::Gone) => {
                Some(Expected::Gone)
            }
            (Self::Content | Self::Status, Wanted::Content(_) | Wanted::Anything) => None,
            (Self::File { .. }, Wanted::Content(_) | Wanted::Anything) => Some(Expected::Found),
            (Self::Header { .. }, _) => self.expected(wanted, revision),
        }
    }
}

block! {
    /// A mark of the release that the origin serves.
    struct Release(ReleaseDraft) {
        /// A header field of every answer.
        header: Option<&'static str> = field("header", token("header field")).choice(),
        /// The path of a file, such as `/release.txt`, which is asked for in place of all others.
        file: Option<String> = field("file", file()).choice(),
        /// What it says. `${revision}` stands for the commit that is applied.
        equals: String = field("equals", equals()),
    }
}

pub(super) fn expect() -> Shape<Expect> {
    let schema = || {
        let words = Expect::WORDS.map(|(word, _)| word);
        json!({ "title": "expectation", "anyOf": [{ "enum": words }, Release::schema()] })
    };
    Shape::new(schema, read, |expect| match expect {
        Expect::Content => json!("content"),
        Expect::Status => json!("status"),
        Expect::Header { name, equals } => json!({ "header": name, "equals": equals }),
        Expect::File { path, equals } => json!({ "file": path, "equals": equals }),
    })
}

fn read(value: Value<'_>) -> Option<Expect> {
    if let Some(scalar) = value.scalar() {
        let known = Expect::WORDS.into_iter();
        let found = known.into_iter().find(|(word, _)| *word == scalar.text);
        let what = "`content`, `status`, or a mapping with `equals` and `header` or `file`";
        return found.map_or_else(|| value.unfit(what, None), |(_, expect)| Some(expect));
    }
    mapping(value, |fields| {
        let draft = Release::draft(fields);
        if !fields.exactly_one(&["header", "file"], None) {
            return None;
        }
        let Release {
            header,
            file,
            equals,
        } = Release::whole(draft)?;
        match (header, file) {
            // Header names of answers are in lower case.
            (Some(name), _) => Some(Expect::Header {
                name: interned(&name.to_ascii_lowercase()),
                equals,
            }),
            (None, path) => path.map(|path| Expect::File { path, equals }),
        }
    })?
}

fn file() -> Shape<String> {
    let parse = |text: &str| {
        let hint = "write it like `/release.txt`";
        let url = CdnUrl::parse(&format!("https://origin.example.com{text}"));
        match url {
            Ok(url) if text.starts_with('/') && url.path_and_query() == text => Ok(text.to_owned()),
            Ok(_) | Err(_) => Err(wrong("this is not the path of a URL", hint)),
        }
    };
    parsed("path", parse).pattern("^/")
}

fn equals() -> Shape<String> {
    let parse = |text: &str| {
        if text.replace(REVISION, "").contains("${") {
            let message = "`${…}` is no placeholder";
            return Err(wrong(message, "there is `${revision}`"));
        }
        match is_header_text(text) {
            true => Ok(text.to_owned()),
            false => Err(wrong("the text must be printable ASCII", "")),
        }
    };
    parsed("text", parse).with("examples", json!([REVISION]))
}
