//! The state of the service, shared by all connections, and how it handles a request.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::broadcast;
use tokio::time::Instant;

use super::api::Api;
use super::backend::Backend;
use super::budgets::Budgets;
use super::edge::EdgeCache;
use super::exchange::{ApiRequest, Reply, Trouble};
use super::faults::{Fault, Instead, Struck};
use super::journal::{MAX_REQUESTS, RequestRecord};
use super::settings::Settings;
use super::tasks::Tasks;

/// How many requests a slow listener may lag behind before it loses some.
const EVENT_BACKLOG: usize = 1024;

/// Target of a proxy's redirect: nowhere.
const ELSEWHERE: &str = "http://proxy.invalid/";

#[derive(Debug)]
pub(super) struct Service {
    pub(super) settings: Settings,
    pub(super) events: broadcast::Sender<RequestRecord>,
    caches: Vec<Arc<Mutex<EdgeCache>>>,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) api: Box<dyn Api>,
    pub(super) tasks: Tasks,
    pub(super) budgets: Budgets,
    pub(super) faults: Vec<Fault>,
    pub(super) journal: VecDeque<RequestRecord>,
}

impl Service {
    pub(super) fn new(
        settings: Settings,
        api: Box<dyn Api>,
        caches: Vec<Arc<Mutex<EdgeCache>>>,
    ) -> Self {
        Self {
            inner: Mutex::new(Inner {
                api,
                tasks: Tasks::default(),
                budgets: Budgets::default(),
                faults: settings.faults.clone(),
                journal: VecDeque::new(),
            }),
            settings,
            events: broadcast::channel(EVENT_BACKLOG).0,
            caches,
        }
    }

    /// The state stays usable after a handler panicked, because each method leaves it complete.
    pub(super) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The service's clock, without faults.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.settings.clock.now() + self.settings.clock_offset
    }

    /// Applies faults or calls the API, and records the request. Without a reply, the connection is cut.
    pub(super) fn handle(&self, request: &ApiRequest) -> (Option<Reply>, Struck) {
        let mut inner = self.inner();
        let Inner {
            api,
            tasks,
            budgets,
            faults,
            journal,
        } = &mut *inner;
        let operation = api.operation(request);
        let struck = Struck::take(faults, operation);
        let mut backend = Backend {
            now: self.now() + struck.skew,
            instant: Instant::now(),
            budgets,
            tasks,
            struck: &struck,
            latency: self.settings.latency,
            caches: &self.caches,
            started: None,
        };
        let reply = match &struck.instead {
            Some(instead) => in_place(instead, api.as_ref(), request),
            None if request.body.is_some() => Some(api.answer(request, &mut backend)),
            None => Some(api.refuse(request, &Trouble::TooLarge)),
        };
        let (now, started) = (backend.now, backend.started);
        let mut reply = reply.filter(|_| !struck.drop_after);
        if let Some(reply) = &mut reply {
            let date = now.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
            reply.headers.push(("date", date));
            if !matches!(struck.instead, Some(Instead::Page(_))) {
                let name = api.kind().request_id_header;
                let headers = name.map(|name| (name, request.id.to_string()));
                reply.headers.extend(headers);
            }
        }
        let (task, items) = started.unzip();
        let record = RequestRecord {
            at: now,
            method: request.method().to_owned(),
            path: request.target(),
            operation: operation.map(|operation| operation.name),
            status: reply.as_ref().map(|reply| reply.status),
            error: reply.as_ref().and_then(|reply| reply.error.clone()),
            items: items.unwrap_or_default(),
            task,
            request_id: request.id,
            faults: struck.texts.clone(),
        };
        if journal.len() >= MAX_REQUESTS {
            journal.pop_front();
        }
        journal.push_back(record.clone());
        // Fails if nobody listens, which is fine.
        let _ = self.events.send(record);
        (reply, struck)
    }
}

/// The answer that a fault substitutes for the API's.
fn in_place(instead: &Instead, api: &dyn Api, request: &ApiRequest) -> Option<Reply> {
    let text = "text/plain; charset=utf-8";
    match instead {
        Instead::Cut => None,
        Instead::Status(status) => Some(Reply::new(*status, text, "The service is not well.")),
        Instead::Page(status) => {
            let title = format!("<title>{status}</title>");
            let page =
                format!("<html>\r\n<head>{title}</head>\r\n<body>A proxy</body>\r\n</html>\r\n");
            let page = Reply::new(*status, "text/html", page);
            Some(match status {
                300..400 => page.header("location", ELSEWHERE),
                _ => page,
            })
        }
        Instead::Refuse(trouble) => Some(api.refuse(request, trouble)),
        Instead::Documented { name, leak } => {
            let mut message = "Refused by a fault.".to_owned();
            if *leak {
                let sent = request.header("authorization").unwrap_or_default();
                let known = api.credentials().into_iter();
                for (name, value) in known.chain([("Authorization", sent.to_owned())]) {
                    message.push_str(&format!(" {name} is {value}."));
                }
            }
            let name = name.clone();
            Some(api.refuse(request, &Trouble::Documented { name, message }))
        }
    }
}
