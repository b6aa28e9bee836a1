//! Requests in the shape in which published clients of this API send them, byte by byte.

use purgit::emulator::Running;
use purgit::emulator::azure_china_cdn::{AzureChinaCdn, ENDPOINT_ID, KEY_ID, SUBSCRIPTION_ID};
use purgit::entry::TargetKind;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::client::{Authorization, DATE, Raw, path, settings, start, start_with};

/// Sends a whole request and reads until the server closes.
async fn exchange(running: &Running, request: &str) -> String {
    let address = running.api_url().replace("http://", "");
    let mut stream = TcpStream::connect(&address).await.unwrap();
    stream
        .write_all(request.replace("HOST", &address).as_bytes())
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn authorization(raw: &Raw) -> String {
    format!("AzureCDN {KEY_ID}:{}", raw.signature())
}

/// Python's `urllib`: its own capitals in header names, blanks in JSON, one of the two lists.
#[tokio::test]
async fn a_python_script() {
    let running = start(settings()).await;
    let raw = Raw::post(
        path("/purges"),
        r#"{"Directories": ["http://www.example.com/a/"]}"#,
    );
    let request = format!(
        "POST {}?apiVersion=1.0 HTTP/1.1\r\nAccept-Encoding: identity\r\nContent-Length: {}\r\nHost: HOST\r\n\
         User-Agent: Python-urllib/3.11\r\nContent-type: application/json\r\nX-azurecdn-request-date: {DATE}\r\n\
         Authorization: {}\r\nConnection: close\r\n\r\n{}",
        raw.path,
        raw.body.len(),
        authorization(&raw),
        raw.body
    );
    let answer = exchange(&running, &request).await;
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    assert_eq!(
        running.purge_log()[0].listed(TargetKind::Directory),
        ["http://www.example.com/a/"]
    );
}

/// Go: the list that is not used is `null`; a GET announces JSON.
#[tokio::test]
async fn go_clients() {
    let running = start(settings()).await;
    let raw = Raw::post(
        path("/purges"),
        r#"{"Files":["http://www.example.com/a.jpg"],"Directories":null}"#,
    );
    let head = |raw: &Raw| {
        format!(
            "{} {}?apiVersion=1.0 HTTP/1.1\r\nHost: HOST\r\nUser-Agent: Go-http-client/1.1\r\nContent-Length: {}\r\n\
         Authorization: {}\r\nContent-Type: application/json\r\nX-Azurecdn-Request-Date: {DATE}\r\n\
         Accept-Encoding: gzip\r\nConnection: close\r\n\r\n{}",
            raw.method,
            raw.path,
            raw.body.len(),
            authorization(raw),
            raw.body
        )
    };
    let answer = exchange(&running, &head(&raw)).await;
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    let list = Raw::get(format!("/subscriptions/{SUBSCRIPTION_ID}/endpoints"));
    let answer = exchange(&running, &head(&list)).await;
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.contains(ENDPOINT_ID),
        "{answer}"
    );
}

/// One of them sends directories without a slash, which a strict setting refuses.
#[tokio::test]
async fn directories_without_a_slash() {
    let purge = Raw::purge(&[], &["http://www.example.com/res"]);
    purge.send(&start(settings()).await).await.task();
    let strict = AzureChinaCdn {
        directory_slash: true,
        ..AzureChinaCdn::default()
    };
    let strict = start_with(settings(), strict).await;
    assert_eq!(purge.send(&strict).await.error(), "ParameterInvalid");
}

/// .NET: chunked, a character set, and a path that the vendor's sample lower-cases before signing.
#[tokio::test]
async fn a_csharp_client() {
    let running = start(settings()).await;
    let upper = path("/purges")
        .replace(ENDPOINT_ID, &ENDPOINT_ID.to_uppercase())
        .replace("subscriptions", "Subscriptions");
    let raw = Raw {
        signed_path: path("/purges"),
        ..Raw::post(upper, r#"{"Files":["http://www.example.com/a"]}"#)
    };
    let request = format!(
        "POST {}?apiVersion=1.0 HTTP/1.1\r\nHost: HOST\r\nx-azurecdn-request-date: {DATE}\r\nAuthorization: {}\r\n\
         Transfer-Encoding: chunked\r\nContent-Type: application/json; charset=utf-8\r\nConnection: close\r\n\r\n\
         {:x}\r\n{}\r\n0\r\n\r\n",
        raw.path,
        authorization(&raw),
        raw.body.len(),
        raw.body
    );
    let answer = exchange(&running, &request).await;
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
}

/// Postman: dates without leading zeros; a path of either case signed as sent.
#[tokio::test]
async fn a_postman_script() {
    let mut settings = settings();
    settings.clock_offset = chrono::TimeDelta::hours(-8);
    let running = start(settings).await;
    let raw = Raw {
        date: Some("2024-1-2 5:4:5".into()),
        ..Raw::get(format!(
            "/SUBSCRIPTIONS/{SUBSCRIPTION_ID}/Endpoints/{ENDPOINT_ID}"
        ))
    };
    assert_eq!(raw.send(&running).await.status, 200);
}

/// What is refused unless allowed: lower-case signatures and dates of RFC 3339, as one of the vendor's
/// own samples sends.
#[tokio::test]
async fn habits_that_are_settings() {
    let list = Raw::get(path(""));
    let lower = Raw {
        authorization: Authorization::Given(
            authorization(&list).replace(&list.signature(), &list.signature().to_lowercase()),
        ),
        ..list.clone()
    };
    let rfc3339 = Raw {
        date: Some("2024-01-02T13:04:05Z".into()),
        ..list
    };
    let strict = AzureChinaCdn {
        rfc3339_dates: false,
        ..AzureChinaCdn::default()
    };
    let strict = start_with(settings(), strict).await;
    assert_eq!(lower.send(&strict).await.error(), "WrongSignature");
    assert_eq!(
        rfc3339.send(&strict).await.error(),
        "InvalidRequestDateHeader"
    );
    let lenient = AzureChinaCdn {
        lower_case_signatures: true,
        ..AzureChinaCdn::default()
    };
    let lenient = start_with(settings(), lenient).await;
    assert_eq!(lower.send(&lenient).await.status, 200);
    assert_eq!(rfc3339.send(&lenient).await.status, 200);
}
