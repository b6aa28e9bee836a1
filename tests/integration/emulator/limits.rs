//! Daily quotas, the request rate, and where it listens.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use purgit::emulator::azure_china_cdn::{AzureChinaCdn, ErrorType, SUBSCRIPTION_ID};
use purgit::emulator::{Budgets, Emulator, EmulatorError, Settings};
use purgit::provider::DayStart;
use serde_json::json;
use tokio::time::advance;

use super::client::{HandClock, Raw, path, settings, start, start_with};

fn tight() -> AzureChinaCdn {
    AzureChinaCdn {
        files_per_day: 3,
        directories_per_day: 1,
        preloads_per_day: 1,
        // The requests keep their date; the day is what is tested here.
        window: Duration::from_secs(7 * 24 * 3600),
        ..AzureChinaCdn::default()
    }
}

const FILE: &str = "http://www.example.com/a";
const DIRECTORY: &str = "http://www.example.com/a/";

#[tokio::test]
async fn a_day_has_so_many_purges_and_then_a_new_day_comes() {
    let clock = Arc::new(HandClock::new());
    let dates = Settings {
        clock: Arc::clone(&clock) as Arc<dyn purgit::clock::Clock>,
        ..settings()
    };
    let running = start_with(dates, tight()).await;
    let purge = |files: usize, directories: usize| {
        Raw::purge(&[FILE].repeat(files), &[DIRECTORY].repeat(directories))
    };
    purge(2, 1).send(&running).await.task();
    for too_much in [purge(2, 0), purge(0, 1), purge(1, 1)] {
        let seen = too_much.send(&running).await;
        assert_eq!((seen.status, seen.error()), (429, "RequestThrottled"));
        assert!(
            seen.json["ErrorInfo"]["Message"]
                .as_str()
                .unwrap()
                .contains("limit")
        );
    }
    purge(1, 0).send(&running).await.task();
    Raw::post(path("/preloads"), json!({"Files": [FILE]}))
        .send(&running)
        .await
        .task();
    let used = || {
        let what = ["file purges", "directory purges", "preloads"];
        what.map(|what| running.used(SUBSCRIPTION_ID, what))
    };
    assert_eq!(used(), [3, 1, 1]);
    // 13:04:05 UTC; the day starts at midnight in UTC+8, which is 16:00 UTC.
    clock.advance(TimeDelta::seconds(2 * 3600 + 55 * 60 + 54));
    assert_eq!(purge(1, 0).send(&running).await.status, 429);
    clock.advance(TimeDelta::seconds(1));
    assert_eq!(used(), [0, 0, 0]);
    purge(3, 1).send(&running).await.task();
}

#[tokio::test]
async fn what_an_exhausted_quota_answers_is_a_setting() {
    let api = AzureChinaCdn {
        quota_exhausted: (403, ErrorType::PermissionDenied),
        ..tight()
    };
    let running = start_with(settings(), api).await;
    let seen = Raw::purge(&[FILE; 4], &[]).send(&running).await;
    assert_eq!((seen.status, seen.error()), (403, "PermissionDenied"));
}

#[tokio::test(start_paused = true)]
async fn too_many_requests_a_second_are_refused_with_a_time_to_wait() {
    let api = AzureChinaCdn {
        requests_per_second: Some(0.25),
        ..AzureChinaCdn::default()
    };
    let running = start_with(settings(), api).await;
    let list = Raw::get(path(""));
    assert_eq!(list.send(&running).await.status, 200);
    let seen = list.send(&running).await;
    assert_eq!((seen.status, seen.error()), (429, "RequestThrottled"));
    assert_eq!(seen.header("retry-after"), "4");
    advance(Duration::from_millis(2500)).await;
    assert_eq!(list.send(&running).await.header("retry-after"), "2");
    advance(Duration::from_millis(1500)).await;
    assert_eq!(list.send(&running).await.status, 200);
}

#[tokio::test]
async fn only_this_machine_is_listened_to_unless_allowed() {
    let everywhere = Settings {
        listen: "0.0.0.0:0".parse().unwrap(),
        ..Settings::default()
    };
    let api = Box::<AzureChinaCdn>::default;
    let started = Emulator::start(everywhere.clone(), api()).await;
    let error = started.unwrap_err();
    assert!(matches!(error, EmulatorError::NotLoopback(_)), "{error}");
    let everywhere = Settings {
        allow_remote: true,
        ..everywhere
    };
    Emulator::start(everywhere, api()).await.unwrap();
}

#[tokio::test]
async fn a_taken_port_is_an_error_and_a_stopped_emulator_frees_its_own() {
    let first = start(settings()).await;
    let listen = first
        .api_url()
        .trim_start_matches("http://")
        .parse()
        .unwrap();
    let again = Settings {
        listen,
        ..settings()
    };
    let started = Emulator::start(again.clone(), Box::<AzureChinaCdn>::default()).await;
    let error = started.unwrap_err();
    assert!(matches!(error, EmulatorError::Listen(..)), "{error}");
    Raw::get(path("")).send(&first).await;
    first.shutdown().await;
    start(again).await;
}

#[tokio::test]
async fn the_manifest_names_this_emulator() {
    let mut api = AzureChinaCdn::default();
    api.account.set_hosts(&["*.example.com", "*"]);
    let running = start_with(settings(), api).await;
    let text = running.manifest();
    for line in [
        &*format!("    apiUrl: {}", running.api_url()),
        r#"  hosts: ["*.example.com"]"#,
        "    subscriptionId: 00000000-0000-0000-0000-000000000001",
        "    endpointId: 00000000-0000-0000-0000-000000000002",
        "      keyId: { env: AZURE_CDN_KEY_ID }",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }
    let key_id = "00000000-0000-0000-0000-0000000000aa".to_owned();
    let key_value = "not-a-real-key".to_owned();
    let credentials = [
        ("AZURE_CDN_KEY_ID", key_id),
        ("AZURE_CDN_KEY_VALUE", key_value),
    ];
    assert_eq!(running.credentials(), credentials);
}

#[test]
fn the_day_starts_where_it_is_set_to_and_what_does_not_fit_uses_nothing() {
    let mut budgets = Budgets::default();
    let mut book = |at: &str, account, files| {
        let (at, starts_at) = (at.parse().unwrap(), DayStart::default());
        let uses = [("directories", 1, 9), ("files", files, 2)];
        let booked = budgets.book(account, &uses, starts_at, at).is_ok();
        let after = ["files", "directories"].map(|what| budgets.used(account, what, at));
        (booked, after)
    };
    let late = "2024-01-02T15:59:59Z";
    assert_eq!(book(late, "one", 3), (false, [0, 0]));
    assert_eq!(book(late, "one", 2), (true, [2, 1]));
    assert_eq!(book(late, "one", 1), (false, [2, 1]));
    assert_eq!(book(late, "other", 1), (true, [1, 1]));
    // Midnight in UTC+8.
    assert_eq!(book("2024-01-02T16:00:00Z", "one", 1), (true, [1, 1]));
}
