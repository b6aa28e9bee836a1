//! One answer: fresh, stale or unknown.

use proptest::option::of;
use proptest::prelude::*;
use purgit::transport::fetch::Fetched;
use purgit::transport::{TransportError, TransportErrorKind};
use purgit::verify::{
    Answer, Encoding, Evidence, Original, Question, Told, Verdict, Wanted, judge,
};

use super::{content, fetched, http, question};
use crate::state_fixture::at;

/// When answers come in, in seconds; the purge was sent a minute before.
const NOW: i64 = 1000;
const PURGED: i64 = NOW - 60;

fn judged(question: &Question, fetched: Result<&Fetched, &TransportError>) -> Evidence {
    compared(question, fetched, None)
}

fn compared(
    question: &Question,
    fetched: Result<&Fetched, &TransportError>,
    original: Option<&Told>,
) -> Evidence {
    let answer = Answer {
        edge: None,
        accept_encoding: Encoding::Gzip,
        at: at(NOW),
        fetched,
        original,
    };
    judge(question, &answer)
}

fn new() -> Wanted {
    Wanted::Content(content("new"))
}

/// The verdict on an answer with that `Date` and `Age`.
fn seen(wanted: Wanted, status: u16, date: i64, age: Option<i64>, body: &str) -> (Verdict, String) {
    let (date, age) = (http(at(date)), age.map(|age| age.to_string()));
    let mut headers = vec![("date", date.as_str())];
    headers.extend(age.as_deref().map(|age| ("age", age)));
    let fetched = fetched(status, &headers, body);
    let evidence = judged(&question(wanted, Some(at(PURGED))), Ok(&fetched));
    (evidence.verdict, evidence.why)
}

#[test]
fn bytes_decide() {
    use Verdict::{Fresh, Stale, Unknown};
    let cases = [
        (new(), 200, "new", Fresh, "the bytes are the wanted ones"),
        (
            new(),
            200,
            "old",
            Stale,
            "serves an earlier generation (489ce0f857e7)",
        ),
        (
            new(),
            200,
            "minified",
            Unknown,
            "other bytes than the wanted ones",
        ),
        // The page of an error is no content, whatever its bytes.
        (new(), 503, "new", Unknown, "answers 503"),
        (new(), 404, "old", Unknown, "answers 404"),
        (new(), 301, "", Unknown, "answers 301"),
        (Wanted::Gone, 404, "any", Fresh, "answers 404"),
        (Wanted::Gone, 410, "", Fresh, "answers 410"),
        (
            Wanted::Gone,
            200,
            "old",
            Stale,
            "serves an earlier generation",
        ),
        (
            Wanted::Gone,
            200,
            "a start page",
            Unknown,
            "answers 200 although its content is gone",
        ),
        (Wanted::Gone, 403, "", Unknown, "answers 403"),
        (Wanted::Anything, 200, "new", Unknown, "nothing declares"),
        (
            Wanted::Anything,
            200,
            "old",
            Stale,
            "serves an earlier generation",
        ),
    ];
    for (wanted, status, body, verdict, why) in cases {
        let case = format!("{wanted:?} {status} {body}");
        let found = seen(wanted, status, NOW, None, body);
        assert_eq!(found.0, verdict, "{case}: {}", found.1);
        assert!(found.1.starts_with(why), "{case}: {}", found.1);
    }
}

#[test]
fn an_age_proves_that_a_cache_missed_the_purge() {
    let verdict = |date, age| seen(new(), 200, date, age, "minified").0;
    let why = seen(new(), 200, NOW, Some(100), "minified").1;
    assert_eq!(why, "the cache has it since 40 s before the purge");
    // The edge's own date, and the origin's left as it was: both mean 100 s.
    assert_eq!(verdict(NOW, Some(100)), Verdict::Stale);
    assert_eq!(verdict(NOW - 100, Some(100)), Verdict::Stale);
    // As old as the purge, as far as clocks can tell.
    assert_eq!(verdict(NOW, Some(64)), Verdict::Unknown);
    assert_eq!(verdict(NOW, Some(66)), Verdict::Stale);
    // After it.
    assert_eq!(verdict(NOW, Some(10)), Verdict::Unknown);
    // It cannot be told from when the dates contradict: a clock is wrong by an hour.
    assert_eq!(verdict(NOW + 3600, Some(100)), Verdict::Unknown);
    assert_eq!(verdict(NOW - 3600, Some(100)), Verdict::Unknown);
    // Nothing is proven by what is not said.
    assert_eq!(verdict(NOW - 100, None), Verdict::Unknown);
    let bare = fetched(200, &[("age", "100")], "minified");
    let asked = question(new(), Some(at(PURGED)));
    assert_eq!(judged(&asked, Ok(&bare)).verdict, Verdict::Unknown);
    // A missing page that was kept, a deleted one that is still there, a page of unknown bytes.
    assert_eq!(seen(new(), 404, NOW, Some(100), "").0, Verdict::Stale);
    assert_eq!(
        seen(Wanted::Gone, 200, NOW, Some(100), "x").0,
        Verdict::Stale
    );
    assert_eq!(
        seen(Wanted::Anything, 200, NOW, Some(100), "x").0,
        Verdict::Stale
    );
    // What is right is right since whenever.
    assert_eq!(seen(new(), 200, NOW, Some(100), "new").0, Verdict::Fresh);
    assert_eq!(
        seen(Wanted::Gone, 404, NOW, Some(100), "").0,
        Verdict::Fresh
    );
    // Of what no purge is known of, no age is too high.
    let asked = question(new(), None);
    let old = fetched(
        200,
        &[("date", &http(at(NOW))), ("age", "9999999")],
        "minified",
    );
    assert_eq!(judged(&asked, Ok(&old)).verdict, Verdict::Unknown);
}

#[test]
fn evidence_holds_what_was_seen_short_and_escaped() {
    let date = http(at(NOW));
    let long = "x".repeat(1000);
    let answer = fetched(
        200,
        &[
            ("date", date.as_str()),
            ("age", "3"),
            ("etag", "W/\"1\u{202e}2\""),
            ("x-cache", "HIT"),
            ("cf-ray", &long),
        ],
        "new",
    );
    let evidence = judged(&question(new(), None), Ok(&answer));
    assert_eq!(evidence.verdict, Verdict::Fresh);
    assert_eq!(evidence.status, Some(200));
    assert_eq!(evidence.age, Some(3));
    assert_eq!(evidence.date, Some(at(NOW)));
    assert_eq!(evidence.etag.as_deref(), Some("W/\"1\\u{202e}2\""));
    assert_eq!(evidence.cache.as_deref(), Some("HIT"));
    assert_eq!(evidence.server.map(|server| server.len()), Some(120));
    assert_eq!(evidence.content, Some(content("new").to_string()));
    assert_eq!(evidence.url, None);
    let none = TransportError::from(TransportErrorKind::Timeout);
    let evidence = judged(&question(new(), None), Err(&none));
    assert_eq!(
        (evidence.verdict, evidence.status),
        (Verdict::Unknown, None)
    );
    assert_eq!(evidence.why, "no answer: no answer in time");
    let elsewhere = fetched(301, &[("location", "/a\u{202e}/")], "");
    let evidence = judged(&question(new(), None), Ok(&elsewhere));
    assert_eq!(evidence.why, "answers 301 to /a\\u{202e}/");
    let endless = Fetched { id: None, ..answer };
    let evidence = judged(&question(new(), None), Ok(&endless));
    assert_eq!(evidence.verdict, Verdict::Unknown);
    assert_eq!(evidence.why, "the body is too long to be hashed");
}

#[test]
fn the_worst_answer_decides() {
    let evidence = |body: &str| judged(&question(new(), None), Ok(&fetched(200, &[], body)));
    let decided = |bodies: &[&str]| {
        let answers = bodies.iter().map(|body| evidence(body)).collect();
        let decided = Evidence::deciding(answers);
        decided.map(|decided| (decided.verdict, decided.answers))
    };
    assert_eq!(decided(&["new", "new"]), Some((Verdict::Fresh, 2)));
    assert_eq!(decided(&["new", "x", "new"]), Some((Verdict::Unknown, 3)));
    assert_eq!(decided(&["x", "old", "new"]), Some((Verdict::Stale, 3)));
    assert_eq!(decided(&[]), None);
}

proptest! {
    /// Whatever is answered: fresh means the wanted bytes, or none where none are wanted; stale means an
    /// earlier generation's bytes, or an age that reaches behind the purge.
    #[test]
    fn never_fresh_and_never_stale_unless_proven(
        wanted in prop_oneof![Just(new()), Just(Wanted::Gone), Just(Wanted::Anything)],
        status in prop_oneof![Just(200_u16), Just(404), Just(410), 100_u16..600],
        body in prop_oneof![Just("new"), Just("old"), Just("minified"), Just("")],
        date in of(-5000_i64..5000),
        age in of(0_i64..5000),
        is_known in any::<bool>(),
    ) {
        let date = date.map(|date| http(at(NOW + date)));
        let age_text = age.map(|age| age.to_string());
        let mut headers = vec![("etag", "\"new\"")];
        headers.extend(date.as_deref().map(|date| ("date", date)));
        headers.extend(age_text.as_deref().map(|age| ("age", age)));
        let answer = fetched(status, &headers, body);
        let asked = question(wanted.clone(), is_known.then(|| at(PURGED)));
        let is_right = match wanted {
            Wanted::Content(_) => status == 200 && body == "new",
            Wanted::Gone => matches!(status, 404 | 410),
            Wanted::Anything => false,
        };
        let may_be_stale = (status == 200 && body == "old")
            || is_known && age.is_some_and(|age| NOW - age < PURGED);
        match judged(&asked, Ok(&answer)).verdict {
            Verdict::Fresh => prop_assert!(is_right),
            Verdict::Stale => prop_assert!(may_be_stale && !is_right),
            Verdict::Unknown => prop_assert!(!is_right),
        }
    }
}

/// The verdict on an answer with a strong `ETag`, where an origin of the release answers "rendered" with
/// the tag `"1"`.
fn beside(wanted: Wanted, status: u16, etag: &str, body: &str) -> (Verdict, String) {
    let original = Original::new(&fetched(200, &[("etag", "\"1\"")], "rendered"));
    let answer = fetched(status, &[("etag", etag)], body);
    let evidence = compared(&question(wanted, None), Ok(&answer), Some(&Ok(original)));
    (evidence.verdict, evidence.why)
}

#[test]
fn what_an_origin_of_the_release_answers_is_fresh() {
    use Verdict::{Fresh, Stale, Unknown};
    let bytes = "the bytes are those of the origin's answer";
    let tag = "its strong `ETag` is that of the origin's answer";
    let otherwise = "; the origin answers otherwise";
    let cases = [
        (new(), 200, "\"2\"", "rendered", Fresh, bytes),
        (Wanted::Anything, 200, "", "rendered", Fresh, bytes),
        (new(), 200, "\"1\"", "minified", Fresh, tag),
        (Wanted::Anything, 200, "\"1\"", "minified", Fresh, tag),
        // Other bytes may have the same weak tag.
        (new(), 200, "W/\"1\"", "minified", Unknown, otherwise),
        (new(), 200, "1", "minified", Unknown, otherwise),
        (new(), 200, "", "minified", Unknown, otherwise),
        // Bytes that are known outweigh what anybody says of them.
        (
            new(),
            200,
            "\"1\"",
            "old",
            Stale,
            "serves an earlier generation",
        ),
        (new(), 503, "\"1\"", "rendered", Unknown, "answers 503"),
        (new(), 206, "\"1\"", "rendered", Unknown, otherwise),
        (
            Wanted::Gone,
            200,
            "\"1\"",
            "rendered",
            Unknown,
            "although its content is gone",
        ),
    ];
    for (wanted, status, etag, body, verdict, why) in cases {
        let seen = beside(wanted.clone(), status, etag, body);
        assert_eq!(
            seen.0, verdict,
            "{wanted:?} {status} {etag} {body}: {}",
            seen.1
        );
        assert!(seen.1.contains(why), "{}", seen.1);
    }
}

#[test]
fn a_tag_takes_nothing_back_that_age_proves_but_bytes_do() {
    let original = Ok(Original::new(&fetched(
        200,
        &[("etag", "\"1\"")],
        "rendered",
    )));
    let date = http(at(NOW));
    let question = question(new(), Some(at(PURGED)));
    let seen = |body| {
        let headers = [("etag", "\"1\""), ("age", "600"), ("date", date.as_str())];
        compared(
            &question,
            Ok(&fetched(200, &headers, body)),
            Some(&original),
        )
        .verdict
    };
    assert_eq!(seen("minified"), Verdict::Stale);
    assert_eq!(seen("rendered"), Verdict::Fresh);
}

#[test]
fn a_redirect_is_as_the_origin_s_or_proves_nothing() {
    let moved = |status, to| fetched(status, &[("location", to)], "moved");
    let original = Ok(Original::new(&moved(301, "/new")));
    let seen = |wanted, answer| {
        let evidence = compared(&question(wanted, None), Ok(&answer), Some(&original));
        (evidence.verdict, evidence.why)
    };
    for wanted in [Wanted::Gone, Wanted::Anything] {
        let why = "answers 301 to /new, as the origin does".to_owned();
        assert_eq!(
            seen(wanted.clone(), moved(301, "/new")),
            (Verdict::Fresh, why)
        );
        for other in [
            moved(301, "/login"),
            moved(302, "/new"),
            fetched(301, &[], "moved"),
        ] {
            assert_eq!(seen(wanted.clone(), other).0, Verdict::Unknown);
        }
    }
}

#[test]
fn an_origin_that_tells_nothing_is_a_reason_to_know_nothing() {
    let told = Err("serves another release than `r2`".to_owned());
    let answer = fetched(200, &[], "rendered");
    let evidence = compared(&question(new(), None), Ok(&answer), Some(&told));
    assert_eq!(evidence.verdict, Verdict::Unknown);
    assert!(
        evidence
            .why
            .ends_with("; the origin serves another release than `r2`")
    );
}
