//! The test double of the network.

use std::sync::Arc;
use std::time::Duration;

use crate::common::scripted_transport::ScriptedTransport;
use purgit::transport::{
    MAX_BODY_BYTES, Method, REQUEST_TIMEOUT, Request, Response, Transport, TransportErrorKind,
};
use tokio::time::Instant;

use super::get;

/// A network on which every request is answered with that many bytes.
fn answering(bytes: usize) -> ScriptedTransport {
    ScriptedTransport::new(move |_| {
        Ok(Response {
            status: 200,
            body: vec![b'x'; bytes],
            ..Response::default()
        })
    })
}

#[tokio::test]
async fn requests_are_recorded_and_answered() {
    let transport = answering(0);
    let request = get("https://cdn.example/a");
    assert_eq!(
        transport.send(request.clone(), None).await.unwrap().status,
        200
    );
    assert_eq!(transport.requests(), [request]);
}

#[tokio::test(start_paused = true)]
async fn the_most_at_once_is_counted() {
    let transport = Arc::new(answering(0).with_latency(Duration::from_secs(1)));
    let send = || {
        let transport = transport.clone();
        tokio::spawn(async move {
            transport
                .send(get("https://cdn.example/"), None)
                .await
                .is_ok()
        })
    };
    let (one, two, three) = (send(), send(), send());
    assert!(one.await.unwrap() && two.await.unwrap() && three.await.unwrap());
    transport
        .send(get("https://cdn.example/"), None)
        .await
        .unwrap();
    assert_eq!(transport.peak(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_answer_comes_in_time_or_not_at_all() {
    let transport = answering(0).with_latency(Duration::from_secs(5));
    let send = |deadline| transport.send(get("https://cdn.example/"), deadline);
    let after = |seconds| Some(Instant::now() + Duration::from_secs(seconds));
    assert!(send(after(6)).await.is_ok());
    let start = Instant::now();
    let error = send(after(4)).await.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Timeout);
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(transport.requests().len(), 2);

    let error = send(after(0)).await.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::TooLate);
    assert_eq!(transport.requests().len(), 2);

    let slow = answering(0).with_latency(REQUEST_TIMEOUT * 2);
    let answer = slow.send(get("https://cdn.example/"), None).await;
    assert_eq!(answer.unwrap_err().kind, TransportErrorKind::Timeout);
}

#[tokio::test]
async fn it_is_stricter_than_the_real_one() {
    let transport = answering(0);
    let post = |headers: &[(&'static str, &str)], body: &[u8]| Request {
        method: Method::Post,
        url: "https://cdn.example/".to_owned(),
        headers: headers
            .iter()
            .map(|(name, value)| (*name, (*value).into()))
            .collect(),
        body: body.to_vec(),
    };
    let json = ("content-type", "application/json");
    let mut get_with_body = post(&[json], b"{}");
    get_with_body.method = Method::Get;
    let rows = [
        (get("http://cdn.example/"), TransportErrorKind::Insecure),
        (get("https://cdn.example"), TransportErrorKind::Invalid),
        (post(&[], b"{}"), TransportErrorKind::Invalid),
        (post(&[json, json], b"{}"), TransportErrorKind::Invalid),
        (post(&[("X-A", "b")], b""), TransportErrorKind::Invalid),
        (post(&[("x-a", "b\n")], b""), TransportErrorKind::Invalid),
        (get_with_body, TransportErrorKind::Invalid),
    ];
    for (request, kind) in rows {
        let shown = format!("{request:?}");
        let error = transport.send(request, None).await.unwrap_err();
        assert_eq!(error.kind, kind, "{shown}");
    }
    assert_eq!(transport.requests(), []);
    assert!(transport.send(post(&[json], b"{}"), None).await.is_ok());
}

#[tokio::test]
async fn answers_have_the_limit_of_the_real_one() {
    let transport = answering(MAX_BODY_BYTES + 1);
    let error = transport
        .send(get("https://cdn.example/"), None)
        .await
        .unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::BodyTooLarge);
}
