//! What goes wrong when it is told to, and what does not.

use std::time::Duration;

use chrono::TimeDelta;
use purgit::emulator::{Fault, FaultKind, Operation, Running, SUBSCRIPTION_ID, Times};
use tokio::time::Instant;

use super::client::{Raw, Seen, path, query, settings, start};

const FILE: &str = "http://www.example.com/a";

async fn with(faults: &str) -> Running {
    let mut settings = settings();
    settings.faults = faults
        .split_whitespace()
        .map(|fault| fault.parse().unwrap())
        .collect();
    start(settings).await
}

async fn purge(running: &Running) -> Result<Seen, reqwest::Error> {
    Raw::purge(&[FILE], &[]).try_send(running).await
}

/// Whether a connection was reset, not merely closed.
fn is_reset(error: &reqwest::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        let io = error.downcast_ref::<std::io::Error>();
        if io.is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionReset) {
            return true;
        }
        cause = error.source();
    }
    false
}

#[tokio::test]
async fn a_drop_before_has_no_effect_and_a_drop_after_has() {
    for (fault, accepted) in [("drop-before", 0), ("drop-after", 1)] {
        let running = with(fault).await;
        let error = purge(&running).await.unwrap_err();
        assert!(is_reset(&error), "{fault}: {error:?}");
        assert_eq!(running.purge_log().len(), accepted, "{fault}");
        assert_eq!(
            running.used(SUBSCRIPTION_ID).files,
            u32::try_from(accepted).unwrap()
        );
        let record = &running.requests()[0];
        assert_eq!(
            (record.status, &record.faults[..]),
            (None, &[fault.to_owned()][..])
        );
        // Once only.
        purge(&running).await.unwrap().task();
        assert_eq!(running.purge_log().len(), accepted + 1);
    }
}

#[tokio::test]
async fn answers_that_are_not_the_services() {
    let running = with("status=503 html throttle=7 throttle expire error=InvalidApiKey").await;
    // All that are armed strike the same request; the first gives the answer, and each is used up.
    let seen = purge(&running).await.unwrap();
    assert_eq!(seen.status, 503);
    assert_eq!(running.requests()[0].faults.len(), 6);
    for (fault, status, error) in [
        ("html", 502, None),
        ("throttle=7", 429, Some("RequestThrottled")),
        ("throttle", 429, Some("RequestThrottled")),
        ("expire", 401, Some("AuthorizationHeaderExpired")),
        ("error=InvalidApiKey", 401, Some("InvalidApiKey")),
    ] {
        running.inject(fault.parse::<Fault>().unwrap());
        let seen = purge(&running).await.unwrap();
        assert_eq!(seen.status, status, "{fault}");
        match error {
            Some(error) => assert_eq!(seen.error(), error),
            None => assert!(
                seen.text.starts_with("<html>") && seen.header("x-correlation-id").is_empty()
            ),
        }
        assert_eq!(
            seen.header("retry-after"),
            if fault == "throttle=7" { "7" } else { "" }
        );
    }
    assert_eq!(running.purge_log(), []);
}

#[tokio::test]
async fn a_truncated_answer_was_accepted() {
    let running = with("truncate").await;
    // The headers arrive, the body does not.
    let error = purge(&running).await.unwrap_err();
    assert!(error.is_body() || error.is_decode(), "{error:?}");
    assert_eq!(running.purge_log().len(), 1);
    assert_eq!(running.requests()[0].status, Some(202));
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_comes_late() {
    let running = with("slow=2s@query").await;
    let begun = Instant::now();
    let task = purge(&running).await.unwrap().task();
    assert_eq!(begun.elapsed(), Duration::ZERO);
    for seconds in [2, 4] {
        assert_eq!(query(&running, &task).await.words(), ["Succeed"]);
        // Timers have a resolution of 1 ms.
        let late = begun
            .elapsed()
            .checked_sub(Duration::from_secs(seconds))
            .unwrap();
        assert!(late < Duration::from_millis(100), "{late:?}");
    }
}

#[tokio::test]
async fn a_client_that_gives_up_on_a_slow_answer_was_still_accepted() {
    let running = with("slow=1h@purge").await;
    tokio::select! {
        _ = purge(&running) => panic!("the answer came"),
        () = async { while running.requests().is_empty() { tokio::task::yield_now().await; } } => {}
    }
    assert_eq!(running.purge_log().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn tasks_that_stick_or_fail() {
    let running = with("stuck*1 fail-url=http://www.example.com/bad/***1+1").await;
    let urls = [
        "http://www.example.com/bad/a",
        "http://www.example.com/good",
    ];
    let stuck = Raw::purge(&urls, &[]).send(&running).await;
    assert_eq!(stuck.json["AsyncInfo"]["TaskStatus"], "Processing");
    tokio::time::advance(Duration::from_secs(24 * 3600)).await;
    assert_eq!(
        query(&running, &stuck.task()).await.words(),
        ["Running", "Running"]
    );

    let failed = Raw::purge(&urls, &["http://www.example.com/bad/"])
        .send(&running)
        .await;
    assert_eq!(failed.json["AsyncInfo"]["TaskStatus"], "Failed");
    let task = failed.task();
    assert_eq!(
        query(&running, &task).await.words(),
        ["Failed", "Succeed", "Failed"]
    );
    let operation = Raw::get(path(&format!("/operations/{task}")))
        .send(&running)
        .await;
    assert_eq!(operation.json["Status"], "Failed");
    assert_eq!(operation.json["Message"], "2 of 3 items failed.");
    // Both are used up.
    let task = Raw::purge(&urls, &[]).send(&running).await.task();
    assert_eq!(query(&running, &task).await.words(), ["Succeed", "Succeed"]);
}

#[tokio::test]
async fn an_unknown_word_of_progress() {
    let running = with("status-word=Partial").await;
    let task = purge(&running).await.unwrap().task();
    assert_eq!(query(&running, &task).await.words(), ["Partial"]);
    running.clear_faults();
    assert_eq!(query(&running, &task).await.words(), ["Succeed"]);
}

#[tokio::test]
async fn a_skewed_clock_shows_in_the_date() {
    for (fault, date) in [
        ("skew=1h", "Tue, 02 Jan 2024 14:04:05 GMT"),
        ("skew=-1h", "Tue, 02 Jan 2024 12:04:05 GMT"),
    ] {
        let running = with(fault).await;
        let seen = purge(&running).await.unwrap();
        assert_eq!(seen.error(), "AuthorizationHeaderExpired");
        assert_eq!(seen.header("date"), date);
        let hour = &date[17..19];
        let corrected = Raw {
            date: Some(format!("2024-01-02 {hour}:04:05")),
            ..Raw::purge(&[FILE], &[])
        };
        corrected.send(&running).await.task();
    }
    let mut settings = settings();
    settings.clock_offset = TimeDelta::minutes(16);
    let running = start(settings).await;
    let seen = purge(&running).await.unwrap();
    assert_eq!(seen.header("date"), "Tue, 02 Jan 2024 13:20:05 GMT");
    assert_eq!(seen.error(), "AuthorizationHeaderExpired");
}

#[tokio::test]
async fn a_fault_strikes_what_and_when_it_is_told() {
    let running = with("status=500@query*2+1").await;
    let task = purge(&running).await.unwrap().task();
    let mut seen = Vec::new();
    for _ in 0..5 {
        seen.push(query(&running, &task).await.status);
    }
    assert_eq!(seen, [200, 500, 500, 200, 200]);
}

#[test]
fn faults_are_written_like_this() {
    let parse = |text: &str| text.parse::<Fault>();
    let fault = parse("drop-after@purge*3+2").unwrap();
    let built = Fault::from(FaultKind::DropAfter)
        .on(Operation::AddPurge)
        .times(Times::Count(3))
        .after(2);
    assert_eq!(fault, built);
    assert_eq!(parse("expire").unwrap().times, Times::Count(1));
    assert_eq!(parse("slow=1m 30s").unwrap().times, Times::Always);
    assert_eq!(parse("html*always").unwrap().times, Times::Always);
    assert_eq!(
        parse("fail-url=http://h/*@purge*2")
            .unwrap()
            .kind
            .to_string(),
        "fail-url=http://h/*"
    );
    for text in [
        "drop-before",
        "drop-after",
        "status=503",
        "html",
        "truncate",
        "throttle",
        "throttle=3",
        "expire",
        "error=WrongSignature",
        "slow=2s",
        "skew=1h",
        "skew=-1h",
        "stuck",
        "fail-url=http://h/**",
        "status-word=Partial",
    ] {
        assert_eq!(parse(text).unwrap().kind.to_string(), text);
    }
    for (text, message) in [
        (
            "drop",
            "there is no fault `drop`; there are: drop-before, drop-after, status, html, truncate, throttle, expire, error, slow, skew, stuck, fail-url, status-word",
        ),
        (
            "html@post",
            "there is no operation `post`; there are: purge, query, preload, query-preload, operation, endpoints, endpoint",
        ),
        (
            "html*0",
            "`0` is neither a number of times from 1 up nor `always`",
        ),
        (
            "html*often",
            "`often` is neither a number of times from 1 up nor `always`",
        ),
        ("html=1", "the fault `html` takes no value"),
        (
            "status=99",
            "the fault `status` needs an HTTP code from 400 to 599, not `99`",
        ),
        (
            "slow",
            "the fault `slow` needs a duration such as `2s`, not ``",
        ),
        (
            "error=Nope",
            "the fault `error` needs a documented error type such as `WrongSignature`, not `Nope`",
        ),
    ] {
        assert_eq!(parse(text).unwrap_err().to_string(), message);
    }
}
