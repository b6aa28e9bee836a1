//! How a task goes on, on a clock that only moves when told to.

use std::time::{Duration, Instant};

use purgit::emulator::azure_china_cdn::{AzureChinaCdn, ENDPOINT_ID, EmptyList, SUBSCRIPTION_ID};
use purgit::emulator::{Role, Settings};
use purgit::entry::TargetKind;
use serde_json::json;
use tokio::time::advance;

use super::client::{Raw, path, query, settings, start, start_with};

const FILES: [&str; 2] = ["http://www.example.com/a", "http://www.example.com/b"];
const DIRECTORIES: [&str; 1] = ["http://www.example.com/c/"];

fn slow() -> Settings {
    Settings {
        latency: Duration::from_secs(60),
        ..settings()
    }
}

#[tokio::test]
async fn without_latency_a_task_is_over_at_once() {
    let running = start(settings()).await;
    let accepted = Raw::purge(&FILES, &DIRECTORIES).send(&running).await;
    let task = accepted.task();
    assert_eq!(
        accepted.json,
        json!({
            "Succeeded": true,
            "IsAsync": true,
            "AsyncInfo": { "TaskTrackId": task, "TaskStatus": "Succeeded" }
        })
    );
    let seen = query(&running, &task).await;
    assert_eq!(seen.status, 200);
    assert_eq!(
        seen.json,
        json!({
            "Files": [
                { "Url": FILES[0], "Status": "Succeed" },
                { "Url": FILES[1], "Status": "Succeed" }
            ],
            "Directories": [{ "Url": DIRECTORIES[0], "Status": "Succeed" }]
        })
    );
    assert!(
        seen.text.starts_with(r#"{"Files":[{"Url":"#),
        "the documents' order"
    );
    // In either case of the id, and only as what it is.
    assert_eq!(query(&running, &task.to_uppercase()).await.status, 200);
    let as_preload = Raw::get(path(&format!("/preloads/{task}")));
    assert_eq!(as_preload.send(&running).await.status, 404);
    let log = running.purge_log();
    assert_eq!((&log[0].id, &*log[0].scope), (&task, ENDPOINT_ID));
    assert_eq!(log[0].listed(TargetKind::File), FILES);
    assert_eq!(log[0].listed(TargetKind::Directory), DIRECTORIES);
}

#[tokio::test(start_paused = true)]
async fn urls_finish_one_after_another() {
    let running = start(slow()).await;
    let accepted = Raw::purge(&FILES, &DIRECTORIES).send(&running).await;
    assert_eq!(accepted.json["AsyncInfo"]["TaskStatus"], "Processing");
    let task = accepted.task();
    for (seconds, words) in [
        (0, ["Running", "Running", "Running"]),
        (39, ["Running", "Running", "Running"]),
        (2, ["Succeed", "Running", "Running"]),
        (18, ["Succeed", "Succeed", "Running"]),
        (1, ["Succeed", "Succeed", "Succeed"]),
    ] {
        advance(Duration::from_secs(seconds)).await;
        assert_eq!(query(&running, &task).await.words(), words);
    }
}

#[tokio::test(start_paused = true)]
async fn an_operation_has_an_end_when_it_is_over() {
    let running = start(slow()).await;
    let task = Raw::purge(&FILES, &[]).send(&running).await.task();
    let ask = Raw::get(path(&format!("/operations/{task}")));
    let mut expected = json!({
        "Id": task,
        "Type": "Purge",
        "Status": "Processing",
        "Message": null,
        "Start": "2024-01-02T13:04:05.000Z",
        "End": null,
        "EndpointId": ENDPOINT_ID,
        "SubscriptionId": SUBSCRIPTION_ID,
    });
    assert_eq!(ask.send(&running).await.json, expected);
    advance(Duration::from_secs(60)).await;
    expected["Status"] = json!("Succeeded");
    expected["End"] = json!("2024-01-02T13:05:05.000Z");
    assert_eq!(ask.send(&running).await.json, expected);
}

#[tokio::test(start_paused = true)]
async fn preloads_wait_first_and_return_only_files() {
    let running = start(slow()).await;
    let body = json!({ "Files": [FILES[0]] });
    let task = Raw::post(path("/preloads"), body)
        .send(&running)
        .await
        .task();
    let ask = Raw::get(path(&format!("/preloads/{task}")));
    for (seconds, word) in [(0, "Waiting"), (15, "Running"), (45, "Succeed")] {
        advance(Duration::from_secs(seconds)).await;
        let seen = ask.send(&running).await;
        assert_eq!(
            seen.json,
            json!({ "Files": [{ "Url": FILES[0], "Status": word }] })
        );
    }
    let operation = Raw::get(path(&format!("/operations/{task}")));
    assert_eq!(operation.send(&running).await.json["Type"], "Preload");
    let directories = Raw::post(path("/preloads"), json!({ "Directories": DIRECTORIES }));
    assert_eq!(directories.send(&running).await.error(), "ParameterInvalid");
    assert!(running.purge_log().is_empty());
    assert_eq!(running.tasks()[0].operation.role, Role::Preload);
}

#[tokio::test]
async fn spellings_are_settings() {
    for (empty_list, directories) in [
        (EmptyList::Empty, r#","Directories":[]}"#),
        (EmptyList::Null, r#","Directories":null}"#),
        (EmptyList::Absent, "}"),
    ] {
        let api = AzureChinaCdn {
            empty_list,
            success_word: "Succeeded",
            ..AzureChinaCdn::default()
        };
        let running = start_with(settings(), api).await;
        let task = Raw::purge(&[FILES[0]], &[]).send(&running).await.task();
        let seen = query(&running, &task).await;
        assert_eq!(seen.words(), ["Succeeded"]);
        assert!(
            seen.text.ends_with(&format!("]{directories}")),
            "{}",
            seen.text
        );
    }
}

/// A bound that only something quadratic would miss, on a machine however busy.
#[tokio::test]
async fn two_thousand_files_cost_next_to_nothing() {
    let running = start(settings()).await;
    let begun = Instant::now();
    for batch in 0..20 {
        let files: Vec<_> = (0..100)
            .map(|n| format!("http://www.example.com/{batch}/{n}"))
            .collect();
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let task = Raw::purge(&files, &[]).send(&running).await.task();
        assert_eq!(query(&running, &task).await.words().len(), 100);
    }
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert_eq!(running.used(SUBSCRIPTION_ID, "file purges"), 2000);
}
