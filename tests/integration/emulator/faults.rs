//! What faults do, and what they leave alone.

use std::time::Duration;

use chrono::TimeDelta;
use purgit::emulator::azure_china_cdn::{AzureChinaCdn, KEY_ID, KEY_VALUE, SUBSCRIPTION_ID};
use purgit::emulator::{Emulator, Fault, Running};
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
        let used = running.used(SUBSCRIPTION_ID, "file purges");
        assert_eq!(used, u32::try_from(accepted).unwrap());
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
async fn answers_that_are_not_what_was_asked_for() {
    let running = with("status=503 html throttle=7 throttle expire error=InvalidApiKey").await;
    // All that are armed strike the same request; the first gives the answer, and each is used up.
    let seen = purge(&running).await.unwrap();
    assert_eq!(seen.status, 503);
    assert_eq!(running.requests()[0].faults.len(), 6);
    for (fault, status, error) in [
        ("status=500", 500, None),
        ("throttle=7", 429, Some("RequestThrottled")),
        ("throttle", 429, Some("RequestThrottled")),
        ("exhausted*1", 429, Some("RequestThrottled")),
        ("expire", 401, Some("AuthorizationHeaderExpired")),
        ("error=invalidapikey", 401, Some("InvalidApiKey")),
        ("leak=ParameterInvalid", 400, Some("ParameterInvalid")),
    ] {
        running.inject(fault.parse().unwrap()).unwrap();
        let seen = purge(&running).await.unwrap();
        assert_eq!(seen.status, status, "{fault}");
        if let Some(error) = error {
            assert_eq!(seen.error(), error);
        }
        assert_eq!(seen.header("x-correlation-id").len(), 36, "{fault}");
        let leaks = [KEY_ID, KEY_VALUE].map(|secret| seen.text.contains(secret));
        assert_eq!(leaks, [fault.starts_with("leak"); 2], "{fault}");
        assert_eq!(
            seen.header("retry-after"),
            if fault == "throttle=7" { "7" } else { "" }
        );
    }
    assert!(running.purge_log().is_empty());
}

#[tokio::test]
async fn pages_of_a_proxy_are_not_the_cdns() {
    for (fault, status, location) in [
        ("html", 502, ""),
        ("html=404", 404, ""),
        ("html=302", 302, "http://proxy.invalid/"),
    ] {
        let running = with(fault).await;
        let seen = purge(&running).await.unwrap();
        assert_eq!((seen.status, seen.header("location")), (status, location));
        assert_eq!(seen.header("content-type"), "text/html");
        assert!(seen.text.starts_with("<html>"), "{}", seen.text);
        assert!(seen.header("x-correlation-id").is_empty());
        assert!(running.purge_log().is_empty());
    }
}

#[tokio::test]
async fn others_use_up_the_quota_but_questions_are_answered() {
    let running = with("exhausted+1").await;
    let task = purge(&running).await.unwrap().task();
    for _ in 0..2 {
        assert_eq!(purge(&running).await.unwrap().status, 429);
        assert_eq!(query(&running, &task).await.status, 200);
    }
    running.clear_faults();
    purge(&running).await.unwrap().task();
}

#[tokio::test]
async fn a_storm_of_throttling_passes() {
    let running = with("throttle=1@purge*20").await;
    for _ in 0..20 {
        assert_eq!(purge(&running).await.unwrap().status, 429);
    }
    purge(&running).await.unwrap().task();
    assert_eq!(running.purge_log().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_body_can_come_byte_by_byte() {
    let running = with("drip@query drip=5s@operation").await;
    let task = purge(&running).await.unwrap().task();
    for (tail, pause) in [("purges", 1), ("operations", 5)] {
        let begun = Instant::now();
        let asked = Raw::get(path(&format!("/{tail}/{task}")));
        let seen = asked.send(&running).await;
        assert!(!seen.json.is_null(), "{}", seen.text);
        let least = Duration::from_secs(pause) * u32::try_from(seen.text.len()).unwrap();
        let took = begun.elapsed();
        assert!(took >= least && took < least * 2, "{took:?} for {least:?}");
    }
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
async fn a_fault_strikes_the_requests_it_names() {
    let running = with("status=500@query*2+1").await;
    let task = purge(&running).await.unwrap().task();
    let mut seen = Vec::new();
    for _ in 0..5 {
        seen.push(query(&running, &task).await.status);
    }
    assert_eq!(seen, [200, 500, 500, 200, 200]);
}

#[tokio::test]
async fn faults_of_what_the_api_does_not_have_are_refused() {
    let running = with("").await;
    for (text, message) in [
        (
            "html@post",
            "there is no operation `post`; there are: purge, query, preload, query-preload, operation, endpoints, endpoint",
        ),
        (
            "leak=Nope",
            "there is no error `Nope`; there are: CredentialInvalid, ParameterMissing, ",
        ),
    ] {
        let fault: Fault = text.parse().unwrap();
        let refused = running.inject(fault.clone()).unwrap_err().to_string();
        assert!(refused.starts_with(message), "{refused}");
        let mut settings = settings();
        settings.faults.push(fault);
        let started = Emulator::start(settings, Box::<AzureChinaCdn>::default()).await;
        assert_eq!(started.unwrap_err().to_string(), refused);
    }
    purge(&running).await.unwrap().task();
}

#[test]
fn faults_are_written_like_this() {
    let parse = |text: &str| text.parse::<Fault>();
    let fault = parse("drop-after@purge*3+2").unwrap();
    assert_eq!(
        (
            &*fault.text,
            fault.operation.as_deref(),
            fault.times,
            fault.skip
        ),
        ("drop-after", Some("purge"), Some(3), 2)
    );
    assert_eq!(parse("expire").unwrap().times, Some(1));
    assert_eq!(parse("slow=1m 30s").unwrap().times, None);
    assert_eq!(parse("html*always").unwrap().times, None);
    let glob = parse("fail-url=http://h/*@purge*2").unwrap();
    assert_eq!(glob.text, "fail-url=http://h/*");
    for (text, message) in [
        (
            "drop",
            "there is no fault `drop`; there are: drop-before, drop-after, truncate, slow, drip, status, html, throttle, exhausted, expire, error, leak, skew, stuck, fail-url, status-word",
        ),
        (
            "html*0",
            "`0` is neither a number of times from 1 up nor `always`",
        ),
        (
            "html*often",
            "`often` is neither a number of times from 1 up nor `always`",
        ),
        (
            "html=1",
            "the fault `html` needs an HTTP code from 300 to 599, not `1`",
        ),
        ("stuck=1", "the fault `stuck` needs no value, not `1`"),
        (
            "status=99",
            "the fault `status` needs an HTTP code from 400 to 599, not `99`",
        ),
        (
            "slow",
            "the fault `slow` needs a duration such as `2s`, not ``",
        ),
        (
            "error=",
            "the fault `error` needs the name of an error, not ``",
        ),
    ] {
        assert_eq!(parse(text).unwrap_err().to_string(), message);
    }
}
