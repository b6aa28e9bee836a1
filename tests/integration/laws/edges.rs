//! A world of which everything is known: an origin that is deployed to at times of its own, edges with
//! all that goes wrong with caches, and the CDN's API in front of them. On tokio's clock.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use purgit::clock::Clock;
use purgit::content::blob_id;
use purgit::transport::dns::Resolver;
use purgit::transport::fetch::{Connect, Fetch, Fetched, Fetching, Resolving};
use purgit::transport::{Method, Request, Response, TransportError, TransportErrorKind};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::edge::{Age, Date, Edge};
use crate::state_fixture::at;

pub(super) const ENCODINGS: [&str; 3] = ["identity", "gzip", "br"];

/// How far clocks may be off of caches that compare them, in seconds.
const MAX_ERROR: i64 = 4;

/// How long the CDN works on a purge.
const TASK: Duration = Duration::from_secs(2);

/// How long an edge takes to answer.
pub(super) const LATENCY: Duration = Duration::from_millis(50);

/// Where the origin is asked itself.
pub(super) const ORIGIN: &str = "https://origin.example.com/";

/// A version of a page; `None` where there is none.
pub(super) type Version = Option<u8>;

pub(super) fn text(page: usize, version: u8) -> String {
    format!("page {page}\n  version {version}")
}

/// What the origin has, and since which release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Released {
    version: Version,
    release: usize,
}

/// How the origin is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Serving {
    /// Pages have other bytes than the files that they are made of.
    pub(super) renders: bool,
    /// Each answer tells its release, and has a strong `ETag`.
    pub(super) tells: bool,
}

/// What a cache keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) version: Version,
    pub(super) fetched: Instant,
}

/// Where: edge, page, encoding.
pub(super) type Cell = (usize, usize, usize);

#[derive(Debug, Clone, Copy)]
enum Event {
    Deploy { page: usize, released: Released },
    Purge { edge: usize, page: usize },
    Ask { cell: Cell, takes: Duration },
    Keep { cell: Cell, object: Object },
}

/// One answer to a question.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) at: Instant,
    /// What was served; `None` where nothing was.
    pub(super) object: Option<Object>,
    /// The bytes are not those of the file.
    changed: bool,
    /// The origin tells what they are.
    told: bool,
    soft: bool,
}

impl Seen {
    /// Whether users get just that version.
    pub(super) fn is(self, wanted: Version) -> bool {
        let is_itself = match wanted {
            Some(_) => !self.changed || self.told,
            None => !self.soft,
        };
        is_itself && self.object.is_some_and(|object| object.version == wanted)
    }

    /// Whether users get a version as it was, and another one.
    pub(super) fn is_another(self, wanted: Version) -> bool {
        let version = self.object.and_then(|object| object.version);
        !self.changed && version.is_some() && version != wanted
    }
}

#[derive(Debug)]
pub(super) struct Model {
    begun: Instant,
    events: BTreeMap<(Instant, u64), Event>,
    count: u64,
    origin: BTreeMap<usize, Released>,
    pub(super) serving: Serving,
    /// The one that is deployed now, or soon.
    pub(super) release: usize,
    /// What is to be at the origin before a purge, if anything is.
    pub(super) gate: Option<Vec<Version>>,
    /// How far the origin's clock is ahead, in seconds.
    pub(super) origin_clock: i64,
    pub(super) edges: Vec<Edge>,
    cache: BTreeMap<Cell, Object>,
    purged: BTreeMap<(usize, usize), Instant>,
    /// What goes wrong with questions, from the last on.
    pub(super) tape: Vec<u8>,
    /// Purges that the CDN took, by page.
    pub(super) posted: BTreeMap<usize, Vec<Instant>>,
    tasks: Vec<(Instant, Vec<usize>)>,
    pub(super) seen: BTreeMap<Cell, Seen>,
    pub(super) asked: usize,
}

impl Model {
    pub(super) fn new() -> Self {
        Self {
            begun: Instant::now(),
            events: BTreeMap::new(),
            count: 0,
            origin: BTreeMap::new(),
            serving: Serving::default(),
            release: 0,
            gate: None,
            origin_clock: 0,
            edges: Vec::new(),
            cache: BTreeMap::new(),
            purged: BTreeMap::new(),
            tape: Vec::new(),
            posted: BTreeMap::new(),
            tasks: Vec::new(),
            seen: BTreeMap::new(),
            asked: 0,
        }
    }

    fn later(&mut self, after: Duration, event: Event) {
        self.count += 1;
        self.events
            .insert((Instant::now() + after, self.count), event);
    }

    /// One that begins to keep objects by encoding, or ends that, has none.
    pub(super) fn change_edges(&mut self, edges: Vec<Edge>) {
        for (place, (before, after)) in self.edges.iter().zip(&edges).enumerate() {
            if before.is_one != after.is_one {
                self.cache.retain(|cell, _| cell.0 != place);
            }
        }
        self.edges = edges;
    }

    /// In place of what was to be deployed and is not yet.
    pub(super) fn deploy(&mut self, after: Duration, page: usize, version: Version) {
        self.catch_up();
        let is_other =
            |event: &Event| !matches!(event, Event::Deploy { page: other, .. } if *other == page);
        self.events.retain(|_, event| is_other(event));
        let release = self.release;
        let released = Released { version, release };
        self.later(after, Event::Deploy { page, released });
    }

    pub(super) fn visit(&mut self, after: Duration, cell: Cell, takes: Duration) {
        self.later(after, Event::Ask { cell, takes });
    }

    /// Lets all take place that has its time by now.
    fn catch_up(&mut self) {
        while let Some(first) = self.events.first_entry()
            && first.key().0 <= Instant::now()
        {
            let now = first.key().0;
            match first.remove() {
                Event::Deploy { page, released } => {
                    self.origin.insert(page, released);
                }
                Event::Purge { edge, page } => {
                    self.purged.insert((edge, page), now);
                    let missed = self.edges[edge].deaf_to;
                    self.cache.retain(|cell, _| {
                        (cell.0, cell.1) != (edge, page) || Some(cell.2) == missed
                    });
                }
                Event::Ask { cell, takes } => {
                    let cell = self.kept_as(cell);
                    if cell.0 < self.edges.len() && !self.cache.contains_key(&cell) {
                        let object = self.fetch(cell.1, now);
                        self.count += 1;
                        let keep = Event::Keep { cell, object };
                        self.events.insert((now + takes, self.count), keep);
                    }
                }
                Event::Keep { cell, object } => self.keep(cell, object),
            }
        }
    }

    fn kept_as(&self, (edge, page, encoding): Cell) -> Cell {
        let is_one = self.edges.get(edge).is_some_and(|edge| edge.is_one);
        (edge, page, if is_one { 0 } else { encoding })
    }

    fn fetch(&self, page: usize, fetched: Instant) -> Object {
        let version = self.released(page).version;
        Object { version, fetched }
    }

    fn released(&self, page: usize) -> Released {
        self.origin.get(&page).copied().unwrap_or_default()
    }

    /// What the origin answers itself.
    fn original(&mut self, number: usize) -> Result<Fetched, TransportError> {
        if let Some(failed) = self.failed() {
            return failed;
        }
        self.catch_up();
        let Released { version, release } = self.released(number);
        let mut headers = Vec::new();
        if self.serving.tells {
            headers.push(("x-release", format!("r{release}")));
            headers.extend(version.map(|version| ("etag", etag(number, version))));
        }
        Ok(match version {
            None => page(404, &headers, "not found"),
            Some(version) => page(200, &headers, &self.body(number, version)),
        })
    }

    fn body(&self, page: usize, version: u8) -> String {
        let made = if self.serving.renders { "made of " } else { "" };
        format!("{made}{}", text(page, version))
    }

    /// What goes wrong next, if anything does.
    fn failed(&mut self) -> Option<Result<Fetched, TransportError>> {
        match self.tape.pop().unwrap_or_default() {
            1..=25 => Some(Err(TransportErrorKind::Timeout.into())),
            26..=40 => Some(Ok(page(403, &[], "<p>Who are you?"))),
            41..=55 => Some(Ok(page(503, &[("retry-after", "1".to_owned())], ""))),
            56..=65 => Some(Ok(page(302, &[("location", "/login".to_owned())], ""))),
            66..=75 => Some(Ok(page(200, &[], "<h1>Welcome to the hotel's network"))),
            _ => None,
        }
    }

    fn keep(&mut self, cell: Cell, object: Object) {
        let Some(edge) = self.edges.get(cell.0).copied() else {
            return;
        };
        let purged = self.purged.get(&(cell.0, cell.1));
        let is_overtaken = purged.is_some_and(|purged| object.fetched <= *purged) && !edge.races;
        if !is_overtaken && (object.version.is_some() || edge.keeps_missing) {
            self.cache.insert(cell, object);
        }
    }

    /// What is served there, which an edge keeps that did not have it.
    pub(super) fn serve(&mut self, cell: Cell) -> Object {
        self.catch_up();
        let cell = self.kept_as(cell);
        if let Some(object) = self.cache.get(&cell) {
            return *object;
        }
        let object = self.fetch(cell.1, Instant::now());
        self.keep(cell, object);
        object
    }

    /// Whether something is still to take place.
    pub(super) fn is_settled(&self) -> bool {
        self.events.keys().all(|(at, _)| *at <= Instant::now())
    }

    fn answer(&mut self, cell: Cell) -> Result<Fetched, TransportError> {
        self.asked += 1;
        let (now, edge) = (Instant::now(), self.edges[cell.0]);
        if let Some(failed) = self.failed() {
            let is_refusal = !matches!(
                &failed,
                Ok(Fetched {
                    status: 200 | 302,
                    ..
                })
            );
            let posted = self.posted.get(&cell.1).and_then(|posted| posted.last());
            let is_known = |seen: &Seen| posted.is_none_or(|posted| seen.at > *posted);
            // A refusal takes nothing back.
            if !(is_refusal && self.seen.get(&cell).is_some_and(is_known)) {
                self.seen.insert(
                    cell,
                    Seen {
                        at: now,
                        object: None,
                        changed: false,
                        told: false,
                        soft: false,
                    },
                );
            }
            return failed;
        }
        let object = self.serve(cell);
        let seen = Seen {
            at: now,
            object: Some(object),
            changed: edge.minifies || self.serving.renders,
            told: self.serving.tells,
            soft: edge.soft,
        };
        self.seen.insert(cell, seen);
        let resident = TimeDelta::from_std(now - object.fetched).unwrap();
        let origins = self.clock(object.fetched) + TimeDelta::seconds(self.origin_clock);
        let own = |at| self.clock(at) + TimeDelta::seconds(edge.clock);
        let is_right = edge.clock.abs() + self.origin_clock.abs() <= MAX_ERROR;
        let age = match edge.age {
            Age::Unsaid => None,
            Age::Apparent if !is_right => Some(resident),
            Age::True => Some(resident),
            Age::Apparent => {
                Some((own(object.fetched) - origins).max(TimeDelta::zero()) + resident)
            }
            Age::Zero => Some(TimeDelta::zero()),
        };
        let date = match edge.date {
            Date::Unsaid => None,
            Date::Origins => Some(origins),
            Date::Own => Some(own(now)),
        };
        let mut headers = Vec::new();
        headers.extend(age.map(|age| ("age", age.num_seconds().to_string())));
        headers.extend(
            date.map(|date| ("date", date.format("%a, %d %b %Y %H:%M:%S GMT").to_string())),
        );
        Ok(match object.version {
            None if edge.soft => page(200, &headers, "<h1>Sorry"),
            None => page(404, &headers, "not found"),
            Some(version) => {
                let whole = self.body(cell.1, version);
                let tag = self.serving.tells.then(|| ("etag", etag(cell.1, version)));
                headers.extend(tag);
                let body = if edge.minifies {
                    whole.replace("\n  ", " ")
                } else {
                    whole
                };
                page(200, &headers, &body)
            }
        })
    }

    fn clock(&self, when: Instant) -> DateTime<Utc> {
        at(0) + TimeDelta::from_std(when - self.begun).unwrap()
    }

    /// The CDN's API: it takes every purge, and calls it done when its time is over.
    pub(super) fn api(&mut self, request: &Request) -> Response {
        let path = request.url.split('?').next().unwrap_or_default();
        if request.method == Method::Post {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            let urls = body["Files"].as_array().into_iter().flatten();
            let pages: Vec<usize> = urls.map(|url| page_of(url.as_str().unwrap())).collect();
            self.catch_up();
            for page in &pages {
                let wanted = self.gate.as_ref().map(|wanted| wanted[*page]);
                let is_there = wanted.is_none_or(|wanted| self.released(*page).version == wanted);
                assert!(is_there, "purged before the origin has page {page}");
                self.posted.entry(*page).or_default().push(Instant::now());
                for (edge, behaviour) in self.edges.clone().into_iter().enumerate() {
                    if !behaviour.deaf {
                        let event = Event::Purge { edge, page: *page };
                        self.later(TASK + behaviour.lag, event);
                    }
                }
            }
            self.tasks.push((Instant::now(), pages));
            let id = format!("00000000-0000-0000-0000-{:012}", self.tasks.len());
            let info = json!({ "TaskTrackId": id, "TaskStatus": "Processing" });
            let answer = json!({ "Succeeded": true, "IsAsync": true, "AsyncInfo": info });
            return response(202, &answer);
        }
        let number: usize = path.rsplit('-').next().unwrap().parse().unwrap();
        let (begun, pages) = &self.tasks[number - 1];
        let status = if begun.elapsed() >= TASK {
            "Succeed"
        } else {
            "Running"
        };
        let items = pages
            .iter()
            .map(|page| json!({ "Url": url(*page), "Status": status }));
        response(200, &json!({ "Files": items.collect::<Vec<_>>() }))
    }
}

fn etag(page: usize, version: u8) -> String {
    format!("\"{page}-{version}\"")
}

pub(super) fn url(page: usize) -> String {
    format!("https://www.example.com/{page}.txt")
}

pub(super) fn page_of(url: &str) -> usize {
    let name = url.rsplit('/').next().unwrap();
    name.trim_end_matches(".txt").parse().unwrap()
}

fn page(status: u16, headers: &[(&str, String)], body: &str) -> Fetched {
    let headers = headers.iter();
    let headers = headers.map(|(name, value)| ((*name).to_owned(), value.clone()));
    Fetched {
        status,
        headers: headers.collect(),
        id: Some(blob_id(body.as_bytes())),
    }
}

fn response(status: u16, body: &Value) -> Response {
    Response {
        status,
        headers: Vec::new(),
        body: body.to_string().into_bytes(),
    }
}

/// Asks the edges of a model, and tells its time.
#[derive(Debug)]
pub(super) struct Asker<'a>(pub(super) &'a Mutex<Model>);

impl Fetch for Asker<'_> {
    fn resolve<'a>(&'a self, _: Resolver, _: &'a str) -> Resolving<'a> {
        unreachable!("edges are told by address")
    }

    fn fetch(
        &self,
        request: Request,
        connect: Option<Connect>,
        deadline: Option<Instant>,
    ) -> Fetching<'_> {
        let connect = connect.map(|connect| connect.address);
        let Some(std::net::IpAddr::V4(address)) = connect else {
            assert!(request.url.starts_with(ORIGIN), "edges are told by address");
            let page = page_of(&request.url);
            return self.after(deadline, move |model| model.original(page));
        };
        let asked = request
            .headers
            .iter()
            .find(|(name, _)| *name == "accept-encoding");
        let asked = asked.map(|(_, value)| value.expose().to_owned());
        let encoding = ENCODINGS
            .iter()
            .position(|known| asked.as_deref() == Some(known));
        let edge = usize::from(address.octets()[3]);
        let cell = (edge, page_of(&request.url), encoding.unwrap());
        self.after(deadline, move |model| model.answer(cell))
    }
}

impl Asker<'_> {
    /// What is answered then.
    fn after<'a>(
        &'a self,
        deadline: Option<Instant>,
        answer: impl FnOnce(&mut Model) -> Result<Fetched, TransportError> + Send + 'a,
    ) -> Fetching<'a> {
        Box::pin(async move {
            let end = Instant::now() + LATENCY;
            tokio::time::sleep_until(deadline.map_or(end, |deadline| deadline.min(end))).await;
            match deadline.is_some_and(|deadline| deadline < end) {
                true => Err(TransportErrorKind::Timeout.into()),
                false => answer(&mut self.0.lock().unwrap()),
            }
        })
    }
}

impl Clock for Asker<'_> {
    fn now(&self) -> DateTime<Utc> {
        self.0.lock().unwrap().clock(Instant::now())
    }
}
