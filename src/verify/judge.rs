//! What one answer proves. Pure: the time of the answer is a value.

use chrono::{DateTime, TimeDelta, Utc};

use super::original::{Told, content_of, is_comparable};
use super::{Encoding, Evidence, Question, Verdict, Wanted};
use crate::escape;
use crate::transport::TransportError;
use crate::transport::date::parse;
use crate::transport::fetch::{Connect, Fetched};

/// The tolerance for a correct clock: both sides count whole seconds, and an answer takes time to arrive.
const CLOCK_ERROR: TimeDelta = TimeDelta::seconds(5);

const MAX_TEXT: usize = 120;

/// Headers in which caches report hits.
const CACHE_HEADERS: [&str; 4] = [
    "cf-cache-status",
    "x-cache",
    "x-cache-status",
    "cache-status",
];

const SERVER_HEADERS: [&str; 6] = [
    "cf-ray",
    "x-amz-cf-pop",
    "x-served-by",
    "x-azure-ref",
    "x-msedge-ref",
    "via",
];

#[derive(Debug)]
pub struct Answer<'a> {
    pub edge: Option<Connect>,
    pub accept_encoding: Encoding,
    pub at: DateTime<Utc>,
    pub fetched: Result<&'a Fetched, &'a TransportError>,
    pub original: Option<&'a Told>,
}

pub(super) fn unasked(question: &Question, why: &str, at: DateTime<Utc>) -> Evidence {
    Evidence {
        verdict: Verdict::Unknown,
        why: short(why),
        at,
        answers: 1,
        url: question.other_url().map(short),
        edge: None,
        accept_encoding: None,
        variant: question.other_variant().as_deref().map(short),
        status: None,
        content: None,
        age: None,
        date: None,
        etag: None,
        cache: None,
        server: None,
    }
}

pub fn judge(question: &Question, answer: &Answer<'_>) -> Evidence {
    let mut evidence = Evidence {
        edge: answer.edge.map(|edge| edge.to_string()),
        accept_encoding: Some(answer.accept_encoding),
        ..unasked(question, "", answer.at)
    };
    let (verdict, why) = match answer.fetched {
        Err(error) => (
            Verdict::Unknown,
            short(&format!("no answer: {}", error.brief())),
        ),
        Ok(fetched) => {
            let first = |names: &[&str]| {
                names
                    .iter()
                    .find_map(|name| fetched.header(name))
                    .map(short)
            };
            let age = fetched
                .header("age")
                .and_then(|age| age.trim().parse().ok());
            evidence.status = Some(fetched.status);
            evidence.content = fetched.id.map(|id| id.to_string());
            evidence.age = age;
            evidence.date = fetched.header("date").and_then(parse);
            evidence.etag = first(&["etag"]);
            evidence.cache = first(&CACHE_HEADERS);
            evidence.server = first(&SERVER_HEADERS);
            let got = got_at(evidence.date, age, answer.at);
            verdict(question, fetched, got, answer.original)
        }
    };
    Evidence {
        verdict,
        why,
        ..evidence
    }
}

/// Bytes first: if they are the wanted ones, it does not matter when the cache stored them.
fn verdict(
    question: &Question,
    fetched: &Fetched,
    got: Option<DateTime<Utc>>,
    told: Option<&Told>,
) -> (Verdict, String) {
    let status = fetched.status;
    let content = content_of(fetched);
    let is_wanted = match &question.wanted {
        Wanted::Content(generation) => content.as_ref() == Some(generation),
        Wanted::Gone => matches!(status, 404 | 410),
        Wanted::Anything => false,
    };
    if is_wanted {
        let why = match &question.wanted {
            Wanted::Gone => format!("answers {status}"),
            Wanted::Content(_) | Wanted::Anything => "the bytes are the wanted ones".to_owned(),
        };
        return (Verdict::Fresh, why);
    }
    if let Some(found) = content.filter(|found| question.earlier.contains(found)) {
        let id: String = found.as_str().chars().take(12).collect();
        return (
            Verdict::Stale,
            format!("serves an earlier generation ({id})"),
        );
    }
    let original = told.and_then(|told| told.as_ref().ok());
    let original = original.filter(|_| is_comparable(question, fetched));
    if original.is_some_and(|original| original.is_same(fetched)) {
        let why = match (300..400).contains(&status) {
            true => format!("{}, as the origin does", answers(fetched)),
            false => "the bytes are those of the origin's answer".to_owned(),
        };
        return (Verdict::Fresh, why);
    }
    if let Some((got, since)) = got.zip(question.since)
        && got + CLOCK_ERROR < since
    {
        let seconds = (since - got).num_seconds();
        return (
            Verdict::Stale,
            format!("the cache has it since {seconds} s before the purge"),
        );
    }
    // An `ETag` may depend on time and length only, so it does not override what is proven.
    if original.is_some_and(|original| original.has_same_etag(fetched)) {
        let why = "its strong `ETag` is that of the origin's answer".to_owned();
        return (Verdict::Fresh, why);
    }
    let why = match &question.wanted {
        _ if fetched.id.is_none() => "the body is too long to be hashed".to_owned(),
        Wanted::Gone => format!("{} although its content is gone", answers(fetched)),
        Wanted::Content(_) | Wanted::Anything if status != 200 => answers(fetched),
        Wanted::Content(_) => "other bytes than the wanted ones, and not those of an earlier generation, perhaps changed on the way".to_owned(),
        Wanted::Anything => "nothing declares which bytes it must have".to_owned(),
    };
    let compared = match told {
        Some(Ok(_)) if original.is_some() => "; the origin answers otherwise".to_owned(),
        Some(Err(reason)) => format!("; the origin {reason}"),
        Some(Ok(_)) | None => String::new(),
    };
    (Verdict::Unknown, format!("{why}{compared}"))
}

fn answers(fetched: &Fetched) -> String {
    let status = fetched.status;
    let location = fetched.header("location").map(short);
    let location = location.filter(|_| (300..400).contains(&status));
    let to = location.map(|location| format!(" to {location}"));
    format!("answers {status}{}", to.unwrap_or_default())
}

/// Whether a cache stored its copy after the purge: it did not miss the purge, so waiting is useless.
pub(super) fn is_since(question: &Question, evidence: &Evidence) -> bool {
    let got = got_at(evidence.date, evidence.age, evidence.at);
    got.zip(question.since)
        .is_some_and(|(got, since)| got > since + CLOCK_ERROR)
}

/// When the cache stored its copy, by the clock of `at`: as long ago as `Age` says, unless `Date` contradicts.
/// Some edges write the date of their answer, others keep the origin's; if it can be neither, a clock is
/// wrong and nothing is proven.
fn got_at(
    date: Option<DateTime<Utc>>,
    age: Option<u64>,
    at: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let age = TimeDelta::try_seconds(i64::try_from(age?).ok()?)?;
    let is_close = |date: DateTime<Utc>| (date - at).abs() <= CLOCK_ERROR;
    let date = date?;
    let is_consistent = is_close(date) || is_close(date.checked_add_signed(age)?);
    is_consistent.then(|| at.checked_sub_signed(age))?
}

impl Evidence {
    /// The answer that decides: the first of the worst.
    pub fn deciding(answers: Vec<Self>) -> Option<Self> {
        let count = answers.iter().map(|one| one.answers).sum();
        let worst = answers.into_iter().rev().max_by_key(|one| one.verdict)?;
        Some(Self {
            answers: count,
            ..worst
        })
    }
}

fn short(text: &str) -> String {
    escape::line(text).chars().take(MAX_TEXT).collect()
}
