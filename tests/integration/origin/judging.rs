//! One answer of an origin: ready, not yet, or unknown.

use purgit::origin::{Expect, Expected, Readiness, Seen, judge};
use purgit::secret::{Redactor, Secret};
use purgit::transport::TransportErrorKind;
use purgit::transport::fetch::Fetched;
use purgit::verify::Wanted;

use super::content;
use crate::verify::fetched;

fn seen(expected: &Expected, fetched: &Fetched) -> Seen {
    judge(expected, &[content("old")], &[404, 410], Ok(fetched))
}

#[test]
fn bytes_decide() {
    use Readiness::{NotYet, Ready, Unknown};
    let wanted = Expected::Content(content("new"));
    let cases = [
        (200, "new", Ready, "has it"),
        (
            200,
            "old",
            NotYet,
            "still serves the bytes of generation 489ce0f857e7",
        ),
        (
            200,
            "minified",
            Unknown,
            "serves other bytes than the wanted ones",
        ),
        (404, "", NotYet, "answers 404"),
        // The page of an error is no content, whatever its bytes.
        (503, "new", NotYet, "answers 503"),
    ];
    for (status, body, readiness, why) in cases {
        let seen = seen(&wanted, &fetched(status, &[], body));
        assert_eq!(seen.readiness, readiness, "{status} {body}: {}", seen.why);
        assert!(seen.why.starts_with(why), "{}", seen.why);
    }
    let other = seen(&wanted, &fetched(200, &[], "minified"));
    assert!(
        other
            .hint
            .unwrap()
            .contains("a header or a file of the release")
    );
}

#[test]
fn a_body_that_is_too_long_is_not_compared() {
    let long = Fetched {
        id: None,
        ..fetched(200, &[], "")
    };
    let seen = seen(&Expected::Content(content("new")), &long);
    assert_eq!(seen.readiness, Readiness::Unknown);
    assert_eq!(seen.why, "serves more than 64 MiB, which are not compared");
}

#[test]
fn a_redirect_is_not_followed_and_only_a_declared_one_means_gone() {
    let away = [("location", "https://other.example.com/\u{1b}[31m")];
    let redirect = fetched(301, &away, "");
    let wanted = Expected::Content(content("new"));
    let found = seen(&wanted, &redirect);
    assert_eq!(found.readiness, Readiness::Unknown);
    assert_eq!(
        found.why,
        "redirects to `https://other.example.com/\\u{1b}[31m` (301), which is not followed"
    );
    assert_eq!(
        seen(&Expected::Gone, &redirect).readiness,
        Readiness::Unknown
    );
    let declared = judge(&Expected::Gone, &[], &[404, 301], Ok(&redirect));
    assert_eq!(declared.readiness, Readiness::Ready);
    // But a file that is wanted is not there because of that.
    let wanted = judge(&wanted, &[], &[404, 301], Ok(&redirect));
    assert_eq!(wanted.readiness, Readiness::NotYet);
}

#[test]
fn what_is_gone_must_be_gone() {
    for (status, readiness) in [
        (404, Readiness::Ready),
        (410, Readiness::Ready),
        (200, Readiness::NotYet),
        (500, Readiness::NotYet),
    ] {
        assert_eq!(
            seen(&Expected::Gone, &fetched(status, &[], "")).readiness,
            readiness,
            "{status}"
        );
    }
}

#[test]
fn a_header_tells_the_release_of_what_is_there() {
    let expect = Expect::Header {
        name: "x-release",
        equals: "r-${revision}".to_owned(),
    };
    let wanted = |wanted| expect.expected(&wanted, "abc").unwrap();
    let page = wanted(Wanted::Content(content("new")));
    let new = [("x-release", "r-abc")];
    assert_eq!(
        seen(&page, &fetched(200, &new, "minified")).readiness,
        Readiness::Ready
    );
    let old = seen(&page, &fetched(200, &[("x-release", "r-abd")], "new"));
    assert_eq!(
        (old.readiness, &*old.why),
        (Readiness::NotYet, "says `x-release: r-abd`, not `r-abc`")
    );
    let without = seen(&page, &fetched(200, &[], "new"));
    assert_eq!(without.why, "answers 200 without `x-release`");
    assert_eq!(
        seen(&page, &fetched(404, &new, "")).readiness,
        Readiness::NotYet
    );
    let gone = wanted(Wanted::Gone);
    for answer in [fetched(404, &[], ""), fetched(200, &new, "")] {
        assert_eq!(seen(&gone, &answer).readiness, Readiness::Ready);
    }
    assert_eq!(
        seen(&gone, &fetched(200, &[], "")).readiness,
        Readiness::NotYet
    );
}

#[test]
fn a_file_tells_the_release_of_all() {
    let expect = Expect::File {
        path: "/release.txt".to_owned(),
        equals: "${revision}".to_owned(),
    };
    assert!(expect.needs_revision());
    let release = expect.expected(&Wanted::Anything, "abc").unwrap();
    for (status, body, readiness) in [
        (200, "abc", Readiness::Ready),
        (200, "abc\n", Readiness::Ready),
        (200, "abc\r\n", Readiness::Ready),
        (200, "abc\n\n", Readiness::NotYet),
        (200, "abd", Readiness::NotYet),
        (404, "abc", Readiness::NotYet),
    ] {
        let seen = seen(&release, &fetched(status, &[], body));
        assert_eq!(seen.readiness, readiness, "{status} {body:?}");
    }
}

#[test]
fn of_what_nobody_declares_content_tells_nothing_and_a_status_tells_something() {
    assert_eq!(Expect::Content.expected(&Wanted::Anything, ""), None);
    let found = Expect::Status.expected(&Wanted::Anything, "").unwrap();
    for (status, readiness) in [
        (200, Readiness::Ready),
        (304, Readiness::Ready),
        (404, Readiness::NotYet),
        (502, Readiness::NotYet),
    ] {
        let seen = seen(&found, &fetched(status, &[], ""));
        assert_eq!(seen.readiness, readiness, "{status}");
    }
}

#[test]
fn no_answer_is_never_ready() {
    let error = TransportErrorKind::Connect.into();
    for expected in [
        Expected::Content(content("new")),
        Expected::Gone,
        Expected::Found,
        Expected::Text(String::new()),
    ] {
        let seen = judge(&expected, &[], &[404], Err(&error));
        assert_eq!(seen.readiness, Readiness::Unknown);
        assert!(seen.why.starts_with("gives no answer: "), "{}", seen.why);
    }
}

#[test]
fn a_secret_that_an_answer_repeats_is_not_told_however_much_is_cut_off() {
    let secret = Secret::new("not-a-real-key");
    let told = format!("{}{}", "x".repeat(110), secret.expose());
    let answer = fetched(
        200,
        &[("x-release", told.as_str()), ("location", secret.expose())],
        "",
    );
    let redacted = answer.redacted(&Redactor::new([&secret]));
    let expected = Expected::Header {
        name: "x-release",
        value: "r2".to_owned(),
        may_be_gone: false,
    };
    let seen = judge(&expected, &[], &[404], Ok(&redacted));
    assert!(seen.why.contains("says `x-release: xxx"), "{}", seen.why);
    assert!(!seen.why.contains("not-a"), "{}", seen.why);
    assert!(!format!("{redacted:?}").contains("not-a"));
}
