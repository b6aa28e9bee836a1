//! Answers of the classic Azure China CDN, in every form that was documented or seen.

use std::time::Duration;

use purgit::entry::{Target, TargetKind};
use purgit::operation::Task;
use purgit::provider::azure_china_cdn::config::DEFAULT_API_URL;
use purgit::provider::{
    Answer, ApiError, Effect, Inspection, ItemReport, Progress, Provider, Tasks,
};
use purgit::transport::retry::RetryClass;

use super::samples::{TASK, azure};
use super::{operation, response, targets, with_header};
use purgit::transport::Response;
use serde_json::{Value, json};

/// The task, with the question that is next.
fn task(question: &Value) -> Task {
    Task {
        id: TASK.to_owned(),
        details: question.clone(),
    }
}

/// What the CDN accepted; it is asked about at once when it is over already.
fn accepted(is_over: bool) -> Answer {
    Answer::Running {
        task: task(&Value::Null),
        known: Vec::new(),
        ask_after: is_over.then_some(Duration::ZERO),
    }
}

fn submitted(response: &Response) -> Result<Answer, ApiError> {
    let cdn = azure(DEFAULT_API_URL);
    let files = targets(TargetKind::File, &["https://www.example.com/a"]);
    cdn.submitted(&operation(&cdn, &files), response)
}

#[test]
fn acceptance_and_whether_it_is_settled() {
    let words = [
        (r#""Processing""#, false),
        (r#""NotSet""#, false),
        (r#""Succeeded""#, true),
        (r#""Failed""#, true),
        (r#""Pondering""#, false),
        ("null", false),
        ("7", false),
    ];
    for (word, settled) in words {
        let body = format!(
            r#"{{"Succeeded":true,"IsAsync":true,"AsyncInfo":{{"TaskTrackId":"{TASK}","TaskStatus":{word}}}}}"#
        );
        let read = submitted(&response(202, &body));
        assert_eq!(read, Ok(accepted(settled)), "{word}");
    }
}

#[test]
fn acceptance_in_unusual_clothes() {
    let plain = format!(r#"{{"AsyncInfo":{{"TaskTrackId":"{TASK}"}}}}"#);
    let bodies = [
        format!("\u{feff}{plain}"),
        format!("\r\n {plain}\r\n"),
        format!(
            r#"{{"Succeeded":"true","ErrorInfo":null,"AsyncInfo":{{"TaskTrackId":"{TASK}"}}}}"#
        ),
        format!(
            r#"{{"Succeeded":true,"ErrorInfo":{{"Type":"","Message":""}},"AsyncInfo":{{"TaskTrackId":"{TASK}","New":[1]}},"More":{{}}}}"#
        ),
    ];
    for body in bodies {
        for status in [200, 201, 202] {
            let read = submitted(&response(status, &body));
            assert_eq!(read, Ok(accepted(false)), "{status} {body}");
        }
    }
}

/// Nobody can ask about a task without its id, and nobody knows whether it runs.
#[test]
fn acceptance_without_an_id_is_in_doubt() {
    let bodies = [
        r#"{"Succeeded":true}"#,
        r#"{"Succeeded":true,"IsAsync":true,"AsyncInfo":null}"#,
        r#"{"Succeeded":true,"AsyncInfo":{"TaskStatus":"Processing"}}"#,
        r#"{"Succeeded":true,"AsyncInfo":{"TaskTrackId":" "}}"#,
        r#"{"Succeeded":true,"AsyncInfo":{"TaskTrackId":".."}}"#,
        r#"{"Succeeded":true,"AsyncInfo":{"TaskTrackId":"a\nb"}}"#,
        r#"{"Succeeded":true,"AsyncInfo":{"TaskTrackId":7}}"#,
        "[]",
    ];
    for body in bodies {
        let error = submitted(&response(202, body)).unwrap_err();
        assert_eq!(error.effect, Effect::InDoubt, "{body}");
        assert_eq!(error.retry, RetryClass::Never, "{body}");
        assert!(error.summary.contains("`TaskTrackId`"), "{error}");
    }
}

#[test]
fn correlation_ids_are_kept() {
    let cdn = azure(DEFAULT_API_URL);
    let good = with_header(response(202, "{}"), "x-correlation-id", "abc-1");
    assert_eq!(cdn.correlation_id(&good).as_deref(), Some("abc-1"));
    assert_eq!(cdn.correlation_id(&response(202, "{}")), None);
    let error = submitted(&good).unwrap_err();
    assert_eq!(error.correlation_id.as_deref(), Some("abc-1"));
}

fn item(kind: TargetKind, url: &str, progress: Progress) -> ItemReport {
    let target = Target::parse(kind, url).unwrap();
    let item = azure(DEFAULT_API_URL).lower(&target).unwrap();
    ItemReport::item(item.key, progress)
}

/// What query purge says of items, and what is asked next.
fn items(body: &str) -> (Vec<ItemReport>, Value, Option<Duration>) {
    let read = azure(DEFAULT_API_URL).polled(&task(&Value::Null), &response(200, body));
    let Ok(Answer::Running {
        task,
        known,
        ask_after,
    }) = read
    else {
        panic!("{read:?}");
    };
    assert_eq!(task.id, TASK);
    (known, task.details, ask_after)
}

/// Get operation is asked at once.
fn operation_next() -> (Value, Option<Duration>) {
    (json!("operation"), Some(Duration::ZERO))
}

#[test]
fn words_of_query_purge() {
    let words = [
        ("Running", Progress::Running),
        ("Succeed", Progress::Succeeded),
        ("Succeeded", Progress::Succeeded),
        ("succeeded", Progress::Succeeded),
        ("Failed", Progress::Failed),
        ("Waiting", Progress::Running),
        ("Success", Progress::Unknown),
        ("SucceededPartially", Progress::Unknown),
        ("NotSucceeded", Progress::Unknown),
        ("", Progress::Unknown),
    ];
    for (word, progress) in words {
        let body = format!(
            r#"{{"Files":[{{"Url":"http://h.example/a","Status":"{word}"}}],"Directories":[{{"Url":"http://h.example/b/","Status":"{word}"}}]}}"#
        );
        let (known, question, ask_after) = items(&body);
        assert_eq!(
            known,
            [
                item(TargetKind::File, "http://h.example/a", progress),
                item(TargetKind::Directory, "http://h.example/b/", progress),
            ],
            "{word}"
        );
        let goes_on = matches!(progress, Progress::Running | Progress::Unknown);
        let next = match goes_on {
            true => (Value::Null, None),
            // Perhaps the list is short.
            false => operation_next(),
        };
        assert_eq!((question, ask_after), next, "{word}");
    }
}

#[test]
fn lists_may_be_empty_null_or_absent() {
    let file = [item(
        TargetKind::File,
        "http://h.example/u",
        Progress::Running,
    )];
    for rest in ["", r#","Directories":null"#, r#","Directories":[]"#] {
        let body =
            format!(r#"{{"Files":[{{"Url":"http://h.example/u","Status":"Running"}}]{rest}}}"#);
        assert_eq!(items(&body).0, file, "{body}");
    }
    for none in ["{}", r#"{"Files":null}"#, r#"{"Files":[],"Directories":7}"#] {
        let (known, question, ask_after) = items(none);
        assert_eq!(
            (known, (question, ask_after)),
            (Vec::new(), operation_next()),
            "{none}"
        );
    }
}

#[test]
fn urls_are_recognised_however_they_are_spelt() {
    let body = r#"{"Files":[{"Url":"HTTP://H.example:80/caf\u00e9","Status":"Succeed"}]}"#;
    let known = items(body).0;
    assert_eq!(
        known,
        [item(
            TargetKind::File,
            "http://h.example/caf%C3%A9",
            Progress::Succeeded
        )]
    );
}

#[test]
fn odd_items_prove_nothing() {
    let body = r#"{"Files":["u",null,{"Status":"Succeed"},{"Url":"no URL","Status":"Succeed"},{"Url":"http://h.example/v"},{"Url":"http://h.example/w","Status":true}]}"#;
    let unknown = |url| item(TargetKind::File, url, Progress::Unknown);
    let odd = [unknown("http://h.example/v"), unknown("http://h.example/w")];
    assert_eq!(items(body).0, odd);
}

/// The two ways to ask for the whole.
const WHOLE: [&str; 2] = ["operation", "operationOnly"];

#[test]
fn words_of_get_operation() {
    let words = [
        (r#""Succeeded","Message":null"#, Progress::Succeeded, None),
        (r#""Processing","End":null"#, Progress::Running, None),
        (r#""NotSet""#, Progress::Running, None),
        (
            r#""Failed","Message":"a device\n dropped out""#,
            Progress::Failed,
            Some("a device dropped out"),
        ),
        (r#""Done""#, Progress::Unknown, None),
        ("null", Progress::Unknown, None),
    ];
    for question in WHOLE {
        for (status, progress, message) in words {
            let body = format!(r#"{{"Id":"{TASK}","Type":"Purge","Status":{status}}}"#);
            let asked = task(&json!(question));
            let read = azure(DEFAULT_API_URL).polled(&asked, &response(200, &body));
            let known = vec![ItemReport {
                message: message.map(ToOwned::to_owned),
                ..ItemReport::rest(progress)
            }];
            let answer = match progress {
                Progress::Succeeded | Progress::Failed => Answer::Settled(known),
                // From the start, at the next round.
                Progress::Running | Progress::Unknown => Answer::Running {
                    task: task(&Value::Null),
                    known,
                    ask_after: None,
                },
            };
            assert_eq!(read, Ok(answer), "{status}");
        }
    }
}

#[test]
fn a_task_is_forgotten_when_the_cdn_itself_refuses_both_questions() {
    let cdn = azure(DEFAULT_API_URL);
    let refused = |status| {
        response(
            status,
            r#"{"Succeeded":false,"ErrorInfo":{"Type":"PurgeNotFound","Message":"?"}}"#,
        )
    };
    for status in [200, 400, 404] {
        let first = cdn.polled(&task(&Value::Null), &refused(status));
        let asked = Answer::Running {
            task: task(&json!("operationOnly")),
            known: Vec::new(),
            ask_after: Some(Duration::ZERO),
        };
        assert_eq!(first, Ok(asked), "{status}");
        let second = cdn.polled(&task(&json!("operationOnly")), &refused(status));
        assert_eq!(second.unwrap_err().effect, Effect::Forgotten, "{status}");
        // Not when it listed some of the URLs: it knows the task, and has no word for the others.
        let known = cdn.polled(&task(&json!("operation")), &refused(status));
        let goes_on = Answer::Running {
            task: task(&Value::Null),
            known: vec![ItemReport::rest(Progress::Unknown)],
            ask_after: None,
        };
        assert_eq!(known, Ok(goes_on), "{status}");
    }
}

#[test]
fn a_status_without_the_cdns_words_ends_no_task() {
    for question in [json!("operation"), json!("operationOnly")] {
        for (status, body) in [
            (404, ""),
            (404, "<html>Not Found</html>"),
            (404, "{}"),
            (410, "gone"),
        ] {
            let read = azure(DEFAULT_API_URL).polled(&task(&question), &response(status, body));
            assert_eq!(
                read.unwrap_err().effect,
                Effect::InDoubt,
                "{question} {status} {body}"
            );
        }
    }
}

#[test]
fn endpoints_as_documented_and_as_seen() {
    let documented = r#"{"EndpointID":"e1","Setting":{"CustomDomain":"a.example"},"Status":{"Enabled":"True","IcpVerifyStatus":"Passed","LifetimeStatus":"Normal"}}"#;
    let seen = r#"{"EndpointId":"e1","Settings":{"CustomDomain":"a.example","Host":"h"},"Status":{"Enabled":true,"IcpVerifyStatus":"Passed","LifetimeStatus":"Normal","CNameConfigured":true}}"#;
    let expected = Inspection {
        enabled: Some(true),
        hosts: vec!["a.example".to_owned()],
        words: vec![
            "lifetime Normal".to_owned(),
            "ICP verification Passed".to_owned(),
        ],
        ..Inspection::default()
    };
    let cdn = azure(DEFAULT_API_URL);
    for body in [documented, seen] {
        let read = cdn.inspected(&[], &response(200, body)).unwrap();
        assert_eq!(read, expected, "{body}");
    }
    for wrong in [
        "{}",
        "null",
        "[]",
        r#"{"Succeeded":false}"#,
        r#"{"Name":"no id"}"#,
    ] {
        assert!(cdn.inspected(&[], &response(200, wrong)).is_err());
    }
}
