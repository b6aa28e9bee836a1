//! The operations and their answers.

use super::documents::{self, Shown};
use super::errors as E;
use super::items::{self, Wanted};
use super::settings::{AccessKey, Cloudfront, DISTRIBUTION_ID};
use crate::emulator::api::named;
use crate::emulator::backend::Backend;
use crate::emulator::exchange::{ApiRequest, Reply};
use crate::emulator::operation::{ApiOperation, operations};
use crate::emulator::tasks::{AcceptedTask, Stage};
use crate::entry::TargetKind;

operations! {
    CREATE = "purge", Purge;
    GET = "query", Query;
    LIST = "list", Query;
    DISTRIBUTION = "distribution", Other;
}

/// Maximum and default number of invalidations per page `[?]`.
const MAX_ITEMS: usize = 100;

pub(super) struct Route<'a> {
    pub(super) operation: ApiOperation,
    distribution: &'a str,
    invalidation: &'a str,
}

pub(super) fn route(request: &ApiRequest) -> Option<Route<'_>> {
    let path = request.path().strip_prefix("/2020-05-31/distribution/")?;
    let segments: Vec<&str> = path.split('/').collect();
    let (operation, invalidation) = match (request.method(), &*segments) {
        ("POST", [_, "invalidation"]) => (CREATE, ""),
        ("GET", [_, "invalidation"]) => (LIST, ""),
        ("GET", [_, "invalidation", id]) => (GET, *id),
        ("GET", [_]) => (DISTRIBUTION, ""),
        _ => return None,
    };
    Some(Route {
        operation,
        distribution: segments[0],
        invalidation,
    })
}

impl Cloudfront {
    pub(super) fn call(
        &mut self,
        request: &ApiRequest,
        backend: &mut Backend<'_>,
    ) -> Result<Reply, Reply> {
        let route = route(request).ok_or_else(|| E::INVALID_URI.usual())?;
        let key = self.verify(request, backend.now)?;
        if route.operation == CREATE && !key.may_purge {
            return Err(denied(key, route.distribution));
        }
        if route.distribution != DISTRIBUTION_ID {
            return Err(E::NO_DISTRIBUTION.usual());
        }
        match route.operation {
            GET => {
                let task = backend.tasks().get(route.invalidation);
                let task = task.ok_or_else(|| E::NO_INVALIDATION.usual())?;
                Ok(self.whole(200, task, backend))
            }
            LIST => list(request, backend),
            CREATE => self.create(request, backend),
            _ => {
                let running = running(backend).count();
                Ok(documents::distribution(
                    DISTRIBUTION_ID,
                    "d111111abcdef8.cloudfront.net",
                    &named(&self.hosts),
                    self.tag_header.as_deref(),
                    running,
                ))
            }
        }
    }

    fn create(&mut self, request: &ApiRequest, backend: &mut Backend<'_>) -> Result<Reply, Reply> {
        let taken = backend
            .budgets
            .take(DISTRIBUTION_ID, 1.0, self.creates, backend.instant);
        // The answer names no time to wait [O].
        taken.map_err(|_| E::THROTTLING.usual())?;
        let Wanted { reference, paths } = items::read(request.body(), self)?;
        if let Some((known, id)) = self.references.get(&reference) {
            let task = backend.tasks().get(id).filter(|_| *known == paths);
            let task = task.ok_or_else(|| E::ALREADY_EXISTS.usual())?;
            return Ok(located(request, task, self.whole(201, task, backend)));
        }
        self.check_room(&paths, backend)?;
        let id = request.id.simple().to_string().to_ascii_uppercase();
        let id = format!("I{}", &id[..13]);
        let accepted = paths.iter().map(|path| items::accept(path)).collect();
        backend.start(CREATE, id.clone(), DISTRIBUTION_ID, accepted);
        self.references.insert(reference, (paths, id.clone()));
        let task = backend.tasks().get(&id);
        let task = task.ok_or_else(|| E::INTERNAL.usual())?;
        Ok(located(request, task, self.whole(201, task, backend)))
    }

    /// A batch that does not fit is refused as a whole `[I]`.
    fn check_room(&self, paths: &[String], backend: &Backend<'_>) -> Result<(), Reply> {
        let is_wildcard = |path: &&String| path.ends_with('*');
        let wildcards = paths.iter().filter(is_wildcard).count();
        let of = |is: fn(TargetKind) -> bool| {
            let items = running(backend).flat_map(|task| &task.items);
            items.filter(|item| is(item.kind)).count()
        };
        let plain = of(|kind| kind != TargetKind::Directory) + paths.len() - wildcards;
        if plain > self.paths_in_progress {
            return Err(E::TOO_MANY.usual());
        }
        let wildcards = wildcards + of(|kind| kind == TargetKind::Directory);
        match wildcards > self.wildcards_in_progress {
            true => Err(E::TOO_MANY.with(
                "Processing your request will cause you to exceed the maximum number of in-progress wildcard invalidations.",
            )),
            false => Ok(()),
        }
    }

    fn whole(&self, status: u16, task: &AcceptedTask, backend: &Backend<'_>) -> Reply {
        let mut references = self.references.iter();
        let found = references.find(|(_, (_, id))| *id == task.id);
        let (reference, paths) = found.map_or(("", &[][..]), |(reference, (paths, _))| {
            (reference.as_str(), paths.as_slice())
        });
        shown(task, backend).whole(status, paths, reference)
    }
}

fn located(request: &ApiRequest, task: &AcceptedTask, reply: Reply) -> Reply {
    let host = request.header("host").unwrap_or_default();
    let path = request.path();
    reply.header("location", format!("http://{host}{path}/{}", task.id))
}

fn running<'b>(backend: &'b Backend<'_>) -> impl Iterator<Item = &'b AcceptedTask> {
    let now = backend.instant;
    let tasks = backend.tasks().iter();
    tasks.filter(move |task| task.stage(now) != Stage::Succeeded)
}

fn shown<'t>(task: &'t AcceptedTask, backend: &'t Backend<'_>) -> Shown<'t> {
    let word = match task.stage(backend.instant) {
        Stage::Succeeded => "Completed",
        Stage::Waiting | Stage::Running | Stage::Failed => "InProgress",
    };
    Shown {
        id: &task.id,
        status: backend.status_word().unwrap_or(word),
        at: task.at,
    }
}

fn denied(key: &AccessKey, distribution: &str) -> Reply {
    E::ACCESS_DENIED.with(&format!(
        "User: arn:aws:iam::123456789012:user/{} is not authorized to perform: cloudfront:CreateInvalidation on resource: arn:aws:cloudfront::123456789012:distribution/{distribution} because no identity-based policy allows the cloudfront:CreateInvalidation action",
        key.id
    ))
}

/// Newest first; the next page starts after the last one of this page `[D]`.
fn list(request: &ApiRequest, backend: &Backend<'_>) -> Result<Reply, Reply> {
    let marker = request.parameter("Marker").unwrap_or_default();
    let most = match request.parameter("MaxItems") {
        None => MAX_ITEMS,
        Some(text) => match text.parse() {
            Ok(most @ 1..=MAX_ITEMS) => most,
            Ok(_) | Err(_) => {
                return Err(E::INVALID_ARGUMENT.with("The parameter MaxItems is invalid."));
            }
        },
    };
    let mut tasks: Vec<_> = backend.tasks().iter().rev().collect();
    if !marker.is_empty() {
        let Some(at) = tasks.iter().position(|task| task.id == marker) else {
            return Err(E::INVALID_ARGUMENT.with("The parameter Marker is invalid."));
        };
        tasks.drain(..=at);
    }
    let is_truncated = tasks.len() > most;
    tasks.truncate(most);
    let next = tasks.last().filter(|_| is_truncated);
    let next = next.map(|task| task.id.clone());
    let page: Vec<_> = tasks.iter().map(|task| shown(task, backend)).collect();
    Ok(documents::list(&marker, most, &page, next.as_deref()))
}
