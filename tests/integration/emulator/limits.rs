//! Daily quotas, the request rate, and where it listens.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use purgit::emulator::{
    Answer, Emulator, EmulatorError, ErrorType, Limits, SUBSCRIPTION_ID, Settings, Used,
};
use serde_json::json;
use tokio::time::advance;

use super::client::{HandClock, Raw, path, settings, start};

fn tight() -> Limits {
    Limits {
        files_per_day: 3,
        directories_per_day: 1,
        preloads_per_day: 1,
        ..Limits::default()
    }
}

const FILE: &str = "http://www.example.com/a";
const DIRECTORY: &str = "http://www.example.com/a/";

#[tokio::test]
async fn a_day_has_so_many_purges_and_then_a_new_day_comes() {
    let clock = Arc::new(HandClock::new());
    let dates = || Settings {
        limits: tight(),
        clock: Arc::clone(&clock) as Arc<dyn purgit::clock::Clock>,
        ..settings()
    };
    let mut settings = dates();
    // The requests keep their date; the day is what is tested here.
    settings.signing.window = Duration::from_secs(7 * 24 * 3600);
    let running = start(settings).await;
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
    let used = Used {
        files: 3,
        directories: 1,
        preloads: 1,
    };
    assert_eq!(running.used(SUBSCRIPTION_ID), used);
    // 13:04:05 UTC; the day starts at midnight in UTC+8, which is 16:00 UTC.
    clock.advance(TimeDelta::seconds(2 * 3600 + 55 * 60 + 54));
    assert_eq!(purge(1, 0).send(&running).await.status, 429);
    clock.advance(TimeDelta::seconds(1));
    assert_eq!(running.used(SUBSCRIPTION_ID), Used::default());
    purge(3, 1).send(&running).await.task();
}

#[tokio::test]
async fn what_an_exhausted_quota_answers_is_a_setting() {
    let mut settings = Settings {
        limits: tight(),
        ..settings()
    };
    settings.answers.quota_exhausted = Answer {
        status: 403,
        error: ErrorType::PermissionDenied,
    };
    let running = start(settings).await;
    let seen = Raw::purge(&[FILE; 4], &[]).send(&running).await;
    assert_eq!((seen.status, seen.error()), (403, "PermissionDenied"));
}

#[tokio::test(start_paused = true)]
async fn too_many_requests_a_second_are_told_when_to_come_again() {
    let mut settings = settings();
    settings.limits.requests_per_second = Some(0.25);
    let running = start(settings).await;
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
    let error = Emulator::start(everywhere.clone()).await.unwrap_err();
    assert!(matches!(error, EmulatorError::NotLoopback(_)), "{error}");
    Emulator::start(Settings {
        allow_remote: true,
        ..everywhere
    })
    .await
    .unwrap();
    let mut still = Settings::default();
    still.limits.requests_per_second = Some(0.0);
    assert!(matches!(
        Emulator::start(still).await,
        Err(EmulatorError::Rate(_))
    ));
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
    let error = Emulator::start(again.clone()).await.unwrap_err();
    assert!(matches!(error, EmulatorError::Listen(..)), "{error}");
    Raw::get(path("")).send(&first).await;
    first.shutdown().await;
    Emulator::start(again).await.unwrap();
}

#[tokio::test]
async fn the_manifest_names_this_emulator() {
    let mut settings = settings();
    settings.account.set_hosts(&["*.example.com", "*"]);
    let running = start(settings).await;
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
    assert_eq!(
        Settings::exports(),
        "export AZURE_CDN_KEY_ID=00000000-0000-0000-0000-0000000000aa\n\
         export AZURE_CDN_KEY_VALUE=not-a-real-key\n"
    );
}
