//! The second, made-up CDN in memory, with whatever goes wrong. See `providers/tag_cdn.rs`.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::common::scripted_transport::ScriptedTransport;
use purgit::entry::{EntryKey, Owner, Tag, Target};
use purgit::operation::Operation;
use purgit::transport::{Method, Request, Response, TransportError};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::cdn::{Reaction, answer, with_header};
use super::{World, endpoint, purging};
use crate::providers::tag_cdn::{API, TagCdn};

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Call {
    /// A token.
    Token,
    /// A purge of these tags, with the id it is known by.
    Purge(String, Vec<String>),
    /// How far a task is, at a place.
    Ask(String),
}

/// A purge that was accepted.
#[derive(Debug, Clone)]
pub(super) struct Accepted {
    at: Instant,
    tags: Vec<String>,
    /// Places to ask so far.
    places: usize,
}

type Behaviour = dyn FnMut(usize, &Call) -> Reaction + Send;

/// A handle to the CDN; clones share it.
#[derive(Clone)]
pub(super) struct Server(Arc<Mutex<Inner>>);

struct Inner {
    takes: Duration,
    /// What it wants to be left alone for after each answer, in seconds.
    pause: u64,
    has_tasks: bool,
    tokens: usize,
    accepted: Vec<Accepted>,
    calls: Vec<(Instant, Call)>,
    /// Most tags that were in progress at once.
    peak: usize,
    behaviour: Box<Behaviour>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").finish_non_exhaustive()
    }
}

impl Server {
    /// A CDN whose tasks are done after `takes`; of a tag that starts with `slow`, twice that.
    pub(super) fn new(takes: Duration) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            takes,
            pause: 2,
            has_tasks: true,
            tokens: 0,
            accepted: Vec::new(),
            calls: Vec::new(),
            peak: 0,
            behaviour: Box::new(|_, _| Reaction::Normal),
        })))
    }

    /// Whose answer to a purge is the last word.
    pub(super) fn without_tasks() -> Self {
        let server = Self::new(Duration::ZERO);
        server.0.lock().unwrap().has_tasks = false;
        server
    }

    /// Wants to be left alone for so many seconds after each answer.
    pub(super) fn pausing(self, seconds: u64) -> Self {
        self.0.lock().unwrap().pause = seconds;
        self
    }

    /// Lets `behaviour` decide from now on; it is told how many requests came before.
    pub(super) fn behave(&self, behaviour: impl FnMut(usize, &Call) -> Reaction + Send + 'static) {
        self.0.lock().unwrap().behaviour = Box::new(behaviour);
    }

    /// A world with this CDN.
    pub(super) fn world(&self) -> World {
        let server = self.clone();
        let mut world = World::new();
        world.endpoint = endpoint(Arc::new(TagCdn::new()));
        world.endpoint.limits.concurrent_requests = 3;
        world.transport = ScriptedTransport::new(move |request| server.answer(&request));
        world
    }

    /// A world as another process finds it.
    pub(super) fn world_after(&self, world: &World) -> World {
        World {
            store: world.store.clone(),
            clock: world.clock,
            ..self.world()
        }
    }

    /// Every request that arrived, with the time.
    pub(super) fn calls(&self) -> Vec<(Instant, Call)> {
        self.0.lock().unwrap().calls.clone()
    }

    /// The ids and tags of all purges that arrived.
    pub(super) fn purges(&self) -> Vec<(String, Vec<String>)> {
        let purges = self.calls().into_iter().filter_map(|(_, call)| match call {
            Call::Purge(id, tags) => Some((id, tags)),
            Call::Token | Call::Ask(_) => None,
        });
        purges.collect()
    }

    /// All places that were asked at.
    pub(super) fn places(&self) -> Vec<String> {
        let places = self.calls().into_iter().filter_map(|(_, call)| match call {
            Call::Ask(place) => Some(place),
            Call::Token | Call::Purge(..) => None,
        });
        places.collect()
    }

    pub(super) fn peak(&self) -> usize {
        self.0.lock().unwrap().peak
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
            Call::Token => {
                self.tokens += 1;
                let token = format!("not-a-real-token-{}", self.tokens);
                answer(200, &json!({ "token": token, "seconds": 3600 }))
            }
            Call::Purge(_, tags) => {
                let (at, places) = (Instant::now(), 0);
                self.accepted.push(Accepted { at, tags, places });
                let open = |accepted: &Accepted| {
                    let tags = accepted.tags.iter();
                    tags.filter(|tag| !self.is_over(accepted, tag)).count()
                };
                self.peak = self.peak.max(self.accepted.iter().map(open).sum());
                self.report(self.accepted.len() - 1)
            }
            Call::Ask(place) if place == "/quota" => {
                let requests = json!({ "limit": 40, "left": 40 });
                answer(
                    200,
                    &json!({ "purged": [], "quota": { "requests": requests } }),
                )
            }
            Call::Ask(place) => match place.split('/').nth(2).and_then(|id| id.parse().ok()) {
                Some(number) if number < self.accepted.len() => self.report(number),
                Some(_) | None => answer(404, &json!({ "error": "no such task" })),
            },
        }
    }

    fn is_over(&self, accepted: &Accepted, tag: &str) -> bool {
        let takes = self.takes * if tag.starts_with("slow") { 2 } else { 1 };
        !self.has_tasks || accepted.at.elapsed() >= takes
    }

    /// Tags that start with `locked` fail.
    fn report(&mut self, number: usize) -> Response {
        let accepted = &self.accepted[number];
        let over = |fails: bool| -> Vec<&String> {
            let tags = accepted.tags.iter();
            tags.filter(|tag| tag.starts_with("locked") == fails && self.is_over(accepted, tag))
                .collect()
        };
        let (purged, failed) = (over(false), over(true));
        let is_all = purged.len() + failed.len() == accepted.tags.len();
        let body = json!({ "purged": purged, "failed": failed });
        if is_all {
            return answer(200, &body);
        }
        let accepted = &mut self.accepted[number];
        accepted.places += 1;
        let place = format!("{API}/tasks/{number}/{}", accepted.places);
        let moved = with_header(answer(202, &body), "location", &place);
        with_header(moved, "retry-after", &self.pause.to_string())
    }
}

fn call(request: &Request) -> Call {
    let path = request.url.strip_prefix(API);
    match (request.method, path) {
        (Method::Put, Some(path)) => {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            let tags = body["tags"].as_array().unwrap().iter();
            let id = path.rsplit('/').next().unwrap();
            Call::Purge(
                id.to_owned(),
                tags.map(|tag| tag.as_str().unwrap().to_owned()).collect(),
            )
        }
        (Method::Get, Some(path)) => Call::Ask(path.to_owned()),
        _ => Call::Token,
    }
}

pub(super) fn tag(name: &str) -> EntryKey {
    EntryKey {
        owner: Owner::Purge("spring".into()),
        path: None,
        target: Target::Tag(Tag::parse(name).unwrap()),
        endpoint: "www".into(),
    }
}

/// One operation of these tags.
pub(super) fn tagging(id: &str, tags: &[&str]) -> Operation {
    let keys = tags.iter().map(|name| tag(name));
    purging(&TagCdn::new(), id, keys, Some("r1"))
}

/// So many operations of one tag each.
pub(super) fn taggings(count: usize) -> Vec<Operation> {
    let operation = |number| {
        let (id, tag) = (format!("operation-{number}"), format!("tag-{number}"));
        tagging(&id, &[&tag])
    };
    (0..count).map(operation).collect()
}
