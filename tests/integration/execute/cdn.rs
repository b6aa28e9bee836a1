//! A CDN in memory that speaks the classic Azure China API, with whatever goes wrong.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::common::scripted_transport::ScriptedTransport;
use proptest::prelude::*;
use proptest::sample::select;
use purgit::entry::TargetKind;
use purgit::transport::{Method, Request, Response, TransportError, TransportErrorKind};
use serde_json::{Value, json};
use tokio::time::Instant;

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Call {
    /// A purge of these URLs.
    Purge(Vec<(TargetKind, String)>),
    /// How far each URL of a task is.
    Items(String),
    /// How far a task is.
    Overall(String),
}

impl Call {
    pub(super) fn is_purge(&self) -> bool {
        matches!(self, Self::Purge(_))
    }

    pub(super) fn has(&self, url: &str) -> bool {
        matches!(self, Self::Purge(items) if items.iter().any(|(_, item)| item.ends_with(url)))
    }
}

/// What the CDN does with a request.
#[derive(Debug, Clone)]
pub(super) enum Reaction {
    /// As documented.
    Normal,
    /// This answer and nothing else.
    Answer(Response),
    /// No answer, and nothing done.
    Lost(TransportErrorKind),
    /// Done, but the answer gets lost.
    DoneButLost(TransportErrorKind),
    /// Done, but something in between answers.
    DoneBut(Response),
}

impl Reaction {
    pub(super) fn react(
        self,
        carry_out: impl FnOnce() -> Response,
    ) -> Result<Response, TransportError> {
        match self {
            Self::Normal => Ok(carry_out()),
            Self::Answer(response) => Ok(response),
            Self::Lost(kind) => Err(kind.into()),
            Self::DoneButLost(kind) => {
                carry_out();
                Err(kind.into())
            }
            Self::DoneBut(response) => {
                carry_out();
                Ok(response)
            }
        }
    }
}

/// As documented, or not; how often the one and the other.
pub(super) fn any_reaction(normal: u32, fault: u32) -> impl Strategy<Value = Reaction> {
    let faults = [
        Reaction::Lost(TransportErrorKind::Connect),
        Reaction::Lost(TransportErrorKind::Timeout),
        Reaction::Lost(TransportErrorKind::Interrupted),
        Reaction::DoneButLost(TransportErrorKind::Interrupted),
        Reaction::DoneButLost(TransportErrorKind::Timeout),
        Reaction::DoneBut(page(502)),
        Reaction::DoneBut(page(200)),
        Reaction::Answer(page(503)),
        Reaction::Answer(page(404)),
        Reaction::Answer(refusal(429, "RequestThrottled")),
        Reaction::Answer(refusal(400, "ParameterInvalid")),
        Reaction::Answer(refusal(400, "ParameterMissing")),
        Reaction::Answer(refusal(409, "EndpointNotInActiveState")),
        Reaction::Answer(refusal(401, "WrongSignature")),
        Reaction::Answer(refusal(503, "Busy")),
    ];
    prop_oneof![normal => Just(Reaction::Normal), fault => select(faults.to_vec())]
}

/// A purge that was accepted.
#[derive(Debug, Clone)]
pub(super) struct Accepted {
    pub(super) at: Instant,
    pub(super) items: Vec<(TargetKind, String)>,
}

type Behaviour = dyn FnMut(usize, &Call) -> Reaction + Send;

/// A handle to the CDN; clones share it.
#[derive(Clone)]
pub(super) struct Cdn(Arc<Mutex<Inner>>);

struct Inner {
    began: Instant,
    takes: Duration,
    accepted: Vec<Accepted>,
    calls: Vec<(Instant, Call)>,
    behaviour: Box<Behaviour>,
}

impl fmt::Debug for Cdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cdn").finish_non_exhaustive()
    }
}

impl Cdn {
    /// A CDN whose tasks are done after `takes`.
    pub(super) fn new(takes: Duration) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            began: Instant::now(),
            takes,
            accepted: Vec::new(),
            calls: Vec::new(),
            behaviour: Box::new(|_, _| Reaction::Normal),
        })))
    }

    /// Since when there is time for it.
    pub(super) fn began(&self) -> Instant {
        self.0.lock().unwrap().began
    }

    /// Lets `behaviour` decide from now on; it is told how many requests came before.
    pub(super) fn behave(&self, behaviour: impl FnMut(usize, &Call) -> Reaction + Send + 'static) {
        self.0.lock().unwrap().behaviour = Box::new(behaviour);
    }

    pub(super) fn transport(&self) -> ScriptedTransport {
        let cdn = self.clone();
        ScriptedTransport::new(move |request| cdn.answer(&request))
    }

    pub(super) fn accepted(&self) -> Vec<Accepted> {
        self.0.lock().unwrap().accepted.clone()
    }

    /// Every request that arrived, with the time.
    pub(super) fn calls(&self) -> Vec<(Instant, Call)> {
        self.0.lock().unwrap().calls.clone()
    }

    /// How many purge requests arrived.
    pub(super) fn purges(&self) -> usize {
        let calls = self.calls();
        calls.iter().filter(|(_, call)| call.is_purge()).count()
    }

    /// How many times a URL was accepted.
    pub(super) fn times(&self, url: &str) -> usize {
        let accepted = self.accepted();
        let items = accepted.iter().flat_map(|accepted| &accepted.items);
        items.filter(|(_, item)| item == url).count()
    }

    pub(super) fn answer(&self, request: &Request) -> Result<Response, TransportError> {
        let call = call(request);
        let mut inner = self.0.lock().unwrap();
        let before = inner.calls.len();
        inner.calls.push((Instant::now(), call.clone()));
        let reaction = (inner.behaviour)(before, &call);
        reaction.react(|| inner.carry_out(call))
    }
}

impl Inner {
    fn carry_out(&mut self, call: Call) -> Response {
        match call {
            Call::Purge(items) => {
                let at = Instant::now();
                self.accepted.push(Accepted { at, items });
                taken(self.accepted.len() - 1)
            }
            Call::Items(task) => self.task(&task).map_or_else(unknown_task, |accepted| {
                let status = self.status(accepted, "Running", "Succeed");
                let list = |kind| -> Vec<_> {
                    let of_kind = accepted.items.iter().filter(|(own, _)| *own == kind);
                    of_kind
                        .map(|(_, url)| json!({ "Url": url, "Status": status }))
                        .collect()
                };
                let body =
                    json!({ "Files": list(TargetKind::File), "Directories": list(TargetKind::Directory) });
                answer(200, &body)
            }),
            Call::Overall(task) => self.task(&task).map_or_else(unknown_task, |accepted| {
                let status = self.status(accepted, "Processing", "Succeeded");
                answer(
                    200,
                    &json!({ "Id": task, "Status": status, "Message": null }),
                )
            }),
        }
    }

    fn task(&self, id: &str) -> Option<&Accepted> {
        self.accepted
            .get(id.strip_prefix("task-")?.parse::<usize>().ok()?)
    }

    fn status(
        &self,
        accepted: &Accepted,
        before: &'static str,
        after: &'static str,
    ) -> &'static str {
        if accepted.at.elapsed() < self.takes {
            before
        } else {
            after
        }
    }
}

fn call(request: &Request) -> Call {
    let path = request.url.split('?').next().unwrap_or_default();
    let (above, last) = path.rsplit_once('/').unwrap_or_default();
    match request.method {
        Method::Post => {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            let urls = |name: &str, kind| -> Vec<_> {
                let urls = body[name].as_array().into_iter().flatten();
                urls.map(|url| (kind, url.as_str().unwrap().to_owned()))
                    .collect()
            };
            let mut items = urls("Files", TargetKind::File);
            items.extend(urls("Directories", TargetKind::Directory));
            Call::Purge(items)
        }
        Method::Get if above.ends_with("/purges") => Call::Items(last.to_owned()),
        Method::Get => Call::Overall(last.to_owned()),
        other => panic!("nobody asks with {other:?}"),
    }
}

pub(super) fn answer(status: u16, body: &Value) -> Response {
    Response {
        status,
        headers: Vec::new(),
        body: body.to_string().into_bytes(),
    }
}

/// A purge was accepted as the task of that number.
pub(super) fn taken(number: usize) -> Response {
    let info = json!({ "TaskTrackId": format!("task-{number}"), "TaskStatus": "Processing" });
    answer(
        202,
        &json!({ "Succeeded": true, "IsAsync": true, "AsyncInfo": info }),
    )
}

/// A refusal in the CDN's own envelope.
pub(super) fn refusal(status: u16, kind: &str) -> Response {
    let info = json!({ "Type": kind, "Message": "In words." });
    answer(status, &json!({ "Succeeded": false, "ErrorInfo": info }))
}

/// What a proxy says.
pub(super) fn page(status: u16) -> Response {
    Response {
        status,
        headers: vec![("content-type".to_owned(), "text/html".to_owned())],
        body: b"<html><title>Sorry</title></html>".to_vec(),
    }
}

pub(super) fn with_header(mut response: Response, name: &str, value: &str) -> Response {
    response.headers.push((name.to_owned(), value.to_owned()));
    response
}

fn unknown_task() -> Response {
    page(404)
}
