//! What is done when a forge refuses, is slow, breaks down, or answers oddly.

use std::time::Duration;

use crate::common::scripted_transport::ScriptedTransport;
use purgit::comment::{CallError, CommentError, Kind as Why, Outcome};
use purgit::error::chain;
use purgit::transport::TransportErrorKind;
use purgit::transport::retry::{GiveUp, MAX_ATTEMPTS};

use super::forge::{Fault, Op, TOKEN};
use super::keeping::{BOTH, Desk, codec, wanted};

const FORBIDDEN: &str = r#"{"message":"Resource not accessible by integration"}"#;

fn why(error: &CommentError) -> (Option<Why>, GiveUp) {
    (error.source.kind(), error.reason)
}

#[tokio::test(start_paused = true)]
async fn a_token_that_may_only_read_is_no_error() {
    for kind in BOTH {
        for (status, body) in [(403, FORBIDDEN), (404, r#"{"message":"404 Not Found"}"#)] {
            let desk = Desk::new(kind);
            desk.forge.fail(Fault::new(Op::Create, status, &[], body));
            let Outcome::ReadOnly(refusal) = desk.kept(&wanted("new")).await else {
                panic!("{status}");
            };
            assert!(
                refusal.to_string().contains("Not") || status == 403,
                "{refusal}"
            );
            assert_eq!(desk.forge.writes(), [Op::Create]);

            desk.forge.add(desk.forge.me(), &wanted("old").body());
            desk.forge.fail(Fault::new(Op::Update, status, &[], body));
            let outcome = desk.kept(&wanted("new")).await;
            assert!(matches!(outcome, Outcome::ReadOnly(_)), "{outcome:?}");
            assert!(desk.waits.lock().unwrap().is_empty());
        }
        // Where even reading is forbidden, so is writing.
        for op in [Op::Whoami, Op::List] {
            let desk = Desk::new(kind);
            desk.forge.fail(Fault::new(op, 403, &[], FORBIDDEN));
            let outcome = desk.kept(&wanted("new")).await;
            assert!(matches!(outcome, Outcome::ReadOnly(_)), "{outcome:?}");
            assert_eq!(desk.forge.writes(), []);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_token_and_an_unknown_place_are_errors() {
    for kind in BOTH {
        let desk = Desk::new(kind);
        desk.forge.fail(Fault::new(
            Op::Whoami,
            401,
            &[],
            r#"{"message":"Bad credentials"}"#,
        ));
        let error = desk.keep(&wanted("new")).await.unwrap_err();
        assert_eq!(why(&error), (Some(Why::Unauthorized), GiveUp::Hopeless));

        let desk = Desk::new(kind);
        desk.forge
            .fail(Fault::new(Op::List, 404, &[], r#"{"message":"Not Found"}"#));
        let error = desk.keep(&wanted("new")).await.unwrap_err();
        assert_eq!(why(&error), (Some(Why::NotFound), GiveUp::Hopeless));
        assert!(
            chain(&error).contains("cannot list the comments ("),
            "{}",
            chain(&error)
        );
    }
}

const DATE: (&str, &str) = ("date", "Tue, 02 Jan 2024 13:04:05 GMT");

/// Half a minute after [`DATE`].
const RESET: (&str, &str) = ("x-ratelimit-reset", "1704200675");

/// An hour after it.
const FAR: (&str, &str) = ("x-ratelimit-reset", "1704204245");

#[tokio::test(start_paused = true)]
async fn rate_limits_are_waited_for() {
    type Limit = (
        u16,
        &'static [(&'static str, &'static str)],
        &'static str,
        u64,
    );
    let secondary = r#"{"message":"You have exceeded a secondary rate limit"}"#;
    let limits: [Limit; 6] = [
        (403, &[("retry-after", "30")], "{}", 30),
        (
            403,
            &[DATE, ("x-ratelimit-remaining", "0"), RESET],
            "{}",
            30,
        ),
        (429, &[("retry-after", "30")], "{}", 30),
        (
            429,
            &[
                DATE,
                ("ratelimit-remaining", "0"),
                ("ratelimit-reset", RESET.1),
            ],
            "{}",
            30,
        ),
        // Another limit than the one that the headers are about.
        (
            403,
            &[DATE, ("x-ratelimit-remaining", "4000"), FAR],
            secondary,
            60,
        ),
        (403, &[], secondary, 60),
    ];
    for kind in BOTH {
        for (status, headers, body, seconds) in limits {
            for op in [Op::Whoami, Op::List, Op::Create] {
                let desk = Desk::new(kind);
                desk.forge
                    .fail(Fault::new(op, status, headers, body).times(2));
                let before = tokio::time::Instant::now();
                assert_eq!(desk.kept(&wanted("new")).await, Outcome::Created);
                assert!(
                    before.elapsed() >= Duration::from_secs(2 * seconds),
                    "{headers:?}"
                );
                assert_eq!(desk.waits.lock().unwrap().len(), 2);
                assert_eq!(desk.ours().len(), 1);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_lasts_longer_than_a_job_ends_it() {
    for kind in BOTH {
        let desk = Desk::new(kind);
        desk.forge
            .fail(Fault::new(Op::List, 429, &[("retry-after", "3600")], "{}"));
        let before = tokio::time::Instant::now();
        let error = desk.keep(&wanted("new")).await.unwrap_err();
        assert_eq!(before.elapsed(), Duration::ZERO);
        assert!(
            matches!(error.reason, GiveUp::AskedTooLong { .. }),
            "{error:?}"
        );
        assert!(
            error.to_string().contains("asked to wait 3600 s"),
            "{error}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn faults_pass_or_end_it() {
    for kind in BOTH {
        for op in [Op::Whoami, Op::List, Op::Create] {
            let desk = Desk::new(kind);
            let page = "<html><title>502 Bad Gateway</title>";
            let headers = [DATE, ("x-ratelimit-remaining", "4000"), FAR];
            desk.forge
                .fail(Fault::new(op, 502, &headers, page).times(4));
            assert_eq!(desk.kept(&wanted("new")).await, Outcome::Created, "{op:?}");
            assert_eq!(desk.ours().len(), 1);

            let desk = Desk::new(kind);
            desk.forge.fail(Fault::new(op, 503, &[], page));
            let error = desk.keep(&wanted("new")).await.unwrap_err();
            let attempts = MAX_ATTEMPTS;
            assert_eq!(
                why(&error),
                (Some(Why::Fault), GiveUp::Exhausted { attempts })
            );
            let text = chain(&error);
            assert!(
                text.ends_with("the answer is 503: 502 Bad Gateway"),
                "{text}"
            );
            let tries = desk
                .forge
                .asked()
                .iter()
                .filter(|asked| **asked == op)
                .count();
            assert_eq!(tries, 5);
        }
    }
}

/// A gateway's error does not say whether the comment was written behind it.
#[tokio::test(start_paused = true)]
async fn a_comment_whose_answer_was_lost_is_not_written_twice() {
    for kind in BOTH {
        let desk = Desk::new(kind);
        desk.forge.fail(
            Fault::new(Op::Create, 504, &[], "")
                .times(1)
                .although_done(),
        );
        assert_eq!(desk.kept(&wanted("new")).await, Outcome::Created);
        assert_eq!(desk.forge.writes(), [Op::Create]);
        assert_eq!(desk.ours(), [wanted("new").body()]);

        desk.forge.fail(
            Fault::new(Op::Update, 504, &[], "")
                .times(1)
                .although_done(),
        );
        desk.kept(&wanted("newer")).await;
        assert_eq!(desk.forge.writes(), [Op::Update]);
        assert_eq!(desk.ours(), [wanted("newer").body()]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_somebody_deletes_meanwhile_is_written_again() {
    for kind in BOTH {
        let desk = Desk::new(kind);
        let gone = r#"{"message":"Not Found"}"#;
        desk.forge.add(desk.forge.me(), &wanted("old").body());
        // The fake carries the update out all the same; what counts is that it was looked at again.
        desk.forge
            .fail(Fault::new(Op::Update, 404, &[], gone).times(1));
        assert_eq!(desk.kept(&wanted("new")).await, Outcome::Updated);
        assert_eq!(desk.forge.writes(), [Op::Update, Op::Update]);

        let double = wanted("double").body();
        desk.forge.add(desk.forge.me(), &double);
        desk.forge.fail(
            Fault::new(Op::Delete, 404, &[], gone)
                .times(1)
                .although_done(),
        );
        assert_eq!(desk.kept(&wanted("new")).await, Outcome::Unchanged);
        assert_eq!(desk.ours().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn pages_without_end_are_given_up() {
    for kind in BOTH {
        let desk = Desk::new(kind);
        let next = [("link", "<https://forge.example/x?page=2>; rel=\"next\"")];
        desk.forge.fail(Fault::new(Op::List, 200, &next, "[]"));
        let error = desk.keep(&wanted("new")).await.unwrap_err();
        assert!(matches!(error.source, CallError::TooMany), "{error:?}");
        assert_eq!(desk.forge.writes(), []);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_something_else_is_none() {
    for kind in BOTH {
        for (op, body) in [
            (Op::Whoami, "<html><title>Sign in</title>"),
            (Op::Whoami, "{}"),
            (Op::List, "{\"comments\":[]}"),
            (Op::List, "[{\"id\":1"),
        ] {
            let desk = Desk::new(kind);
            desk.forge.fail(Fault::new(op, 200, &[], body));
            let error = desk.keep(&wanted("new")).await.unwrap_err();
            assert_eq!(error.source.kind(), Some(Why::Fault), "{body}");
            assert_eq!(desk.forge.writes(), [], "{body}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn graphql_tells_its_errors_in_a_success() {
    let desk = Desk::new(BOTH[0]);
    let limited = r#"{"errors":[{"type":"RATE_LIMITED","message":"API rate limit exceeded"}]}"#;
    desk.forge
        .fail(Fault::new(Op::Whoami, 200, &[], limited).times(1));
    assert_eq!(desk.kept(&wanted("new")).await, Outcome::Created);
    let forbidden = r#"{"data":null,"errors":[{"message":"Resource not accessible"}]}"#;
    desk.forge.fail(Fault::new(Op::Whoami, 200, &[], forbidden));
    let outcome = desk.kept(&wanted("new")).await;
    assert!(matches!(outcome, Outcome::ReadOnly(_)), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn a_token_is_never_repeated() {
    for kind in BOTH {
        let desk = Desk::new(kind);
        let echo = format!("{{\"message\":\"no such token: {TOKEN}\"}}");
        desk.forge.fail(Fault::new(Op::List, 500, &[], &echo));
        let error = desk.keep(&wanted("new")).await.unwrap_err();
        let shown = format!(
            "{error:?} {} {:?}",
            chain(&error),
            desk.waits.lock().unwrap()
        );
        assert!(shown.contains("no such token: [secret]"), "{shown}");
        assert!(!shown.contains(TOKEN), "{shown}");
        assert!(!format!("{:?}", codec(kind)).contains(TOKEN));
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_connection_is_tried_again() {
    let broken = ScriptedTransport::new(|_| Err(TransportErrorKind::Connect.into()));
    for kind in BOTH {
        let keeper = purgit::comment::Keeper {
            forge: &*codec(kind),
            transport: &broken,
            seed: 1,
            waiting: &|_, _| {},
        };
        let before = broken.requests().len();
        let error = keeper.keep(&wanted("new")).await.unwrap_err();
        assert!(
            chain(&error).ends_with("gave up after 5 attempts: cannot connect"),
            "{}",
            chain(&error)
        );
        assert_eq!(broken.requests().len() - before, 5);
    }
}
