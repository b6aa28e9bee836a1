//! The proof: never fresh unless proven, stale only if proven, and questions that come to an end.

mod asking;
mod command;
mod comparing;
mod drift;
pub(crate) mod fixture;
mod judging;
mod racing;
mod rebounding;
mod recording;
mod sampling;
mod stage;
mod variants;

use chrono::{DateTime, Utc};
use purgit::content::blob_id;
use purgit::transport::fetch::Fetched;
use purgit::verify::{Question, Variant, Wanted};

use crate::state_fixture::{content, site_file};

/// What is served now where `new` must be, and `old` was.
fn question(wanted: Wanted, since: Option<DateTime<Utc>>) -> Question {
    let key = site_file("a.html");
    Question {
        url: key.target.url().unwrap().clone(),
        key,
        wanted,
        earlier: vec![content("old")],
        since,
        variant: Variant::default(),
    }
}

pub(crate) fn fetched(status: u16, headers: &[(&str, &str)], body: &str) -> Fetched {
    let headers = headers.iter();
    Fetched {
        status,
        headers: headers
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        id: Some(blob_id(body.as_bytes())),
    }
}

/// A date as headers have it.
fn http(at: DateTime<Utc>) -> String {
    at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
