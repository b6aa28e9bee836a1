//! Answers of the classic Azure China CDN, in every form that was documented or seen.

use purgit::entry::TargetKind;
use purgit::operation::Task;
use purgit::provider::azure_china_cdn::config::DEFAULT_API_URL;
use purgit::provider::{
    Effect, EndpointInfo, Inquiry, ItemReport, Progress, Provider, Report, Submission,
};
use purgit::transport::retry::RetryClass;

use super::samples::{TASK, azure};
use super::{response, with_header};

fn accepted(settled: bool) -> Submission {
    Submission::Accepted {
        task: Task {
            id: TASK.to_owned(),
            details: serde_json::Value::Null,
        },
        settled,
    }
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
        let read = azure(DEFAULT_API_URL).submitted(&response(202, &body));
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
            let read = azure(DEFAULT_API_URL).submitted(&response(status, &body));
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
        let error = azure(DEFAULT_API_URL)
            .submitted(&response(202, body))
            .unwrap_err();
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
    let error = cdn.submitted(&good).unwrap_err();
    assert_eq!(error.correlation_id.as_deref(), Some("abc-1"));
}

fn item(kind: TargetKind, url: &str, progress: Progress) -> ItemReport {
    ItemReport {
        kind,
        url: url.to_owned(),
        progress,
    }
}

fn items(body: &str) -> Vec<ItemReport> {
    let read = azure(DEFAULT_API_URL).reported(Inquiry::Items, &response(200, body));
    let Ok(Report::Items(items)) = read else {
        panic!("{read:?}");
    };
    items
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
        assert_eq!(
            items(&body),
            [
                item(TargetKind::File, "http://h.example/a", progress),
                item(TargetKind::Directory, "http://h.example/b/", progress),
            ],
            "{word}"
        );
    }
}

#[test]
fn lists_may_be_empty_null_or_absent() {
    let file = [item(TargetKind::File, "u", Progress::Running)];
    for rest in ["", r#","Directories":null"#, r#","Directories":[]"#] {
        let body = format!(r#"{{"Files":[{{"Url":"u","Status":"Running"}}]{rest}}}"#);
        assert_eq!(items(&body), file, "{body}");
    }
    for none in ["{}", r#"{"Files":null}"#, r#"{"Files":[],"Directories":7}"#] {
        assert_eq!(items(none), [], "{none}");
    }
}

#[test]
fn odd_items_prove_nothing() {
    let body = r#"{"Files":["u",null,{"Status":"Succeed"},{"Url":"v"},{"Url":"w","Status":true}]}"#;
    assert_eq!(
        items(body),
        [
            item(TargetKind::File, "v", Progress::Unknown),
            item(TargetKind::File, "w", Progress::Unknown),
        ]
    );
}

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
    for (status, progress, message) in words {
        let body = format!(r#"{{"Id":"{TASK}","Type":"Purge","Status":{status}}}"#);
        let read = azure(DEFAULT_API_URL).reported(Inquiry::Overall, &response(200, &body));
        let message = message.map(ToOwned::to_owned);
        assert_eq!(read, Ok(Report::Overall { progress, message }), "{status}");
    }
}

#[test]
fn endpoints_as_documented_and_as_seen() {
    let documented = r#"[{"EndpointID":"e1","Setting":{"CustomDomain":"a.example"},"Status":{"Enabled":"True","IcpVerifyStatus":"Passed","LifetimeStatus":"Normal"}}]"#;
    let seen = r#"[{"EndpointId":"e1","Settings":{"CustomDomain":"a.example","Host":"h"},"Status":{"Enabled":true,"IcpVerifyStatus":"Passed","LifetimeStatus":"Normal","CNameConfigured":true}},{"Name":"no id"}]"#;
    let expected = EndpointInfo {
        id: "e1".to_owned(),
        custom_domain: Some("a.example".to_owned()),
        enabled: Some(true),
        lifetime_status: Some("Normal".to_owned()),
        icp_status: Some("Passed".to_owned()),
    };
    let cdn = azure(DEFAULT_API_URL);
    for body in [documented, seen] {
        let read = cdn.read_endpoints(&response(200, body)).unwrap();
        assert_eq!(read, std::slice::from_ref(&expected), "{body}");
        let one = body[1..].split(",{\"Name").next().unwrap();
        let one = one.strip_suffix(']').unwrap_or(one);
        let read = cdn.read_endpoint(&response(200, one)).unwrap();
        assert_eq!(read, expected, "{one}");
    }
    assert_eq!(cdn.read_endpoints(&response(200, "[]")), Ok(vec![]));
    for wrong in ["{}", "null", r#"{"Succeeded":false}"#] {
        assert!(cdn.read_endpoints(&response(200, wrong)).is_err());
        assert!(cdn.read_endpoint(&response(200, wrong)).is_err());
    }
}
