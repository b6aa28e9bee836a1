//! Maps method and path to a call.

use crate::emulator::operation::{ApiOperation, Role};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    AddPurge,
    QueryPurge,
    AddPreload,
    QueryPreload,
    GetOperation,
    ListEndpoints,
    GetEndpoint,
}

const fn operation(name: &'static str, role: Role) -> ApiOperation {
    ApiOperation { name, role }
}

/// In the order of [`Call`].
pub(super) const OPERATIONS: &[ApiOperation] = &[
    operation("purge", Role::Purge),
    operation("query", Role::Query),
    operation("preload", Role::Preload),
    operation("query-preload", Role::Query),
    operation("operation", Role::Query),
    operation("endpoints", Role::Other),
    operation("endpoint", Role::Other),
];

impl Call {
    pub(super) const fn operation(self) -> ApiOperation {
        OPERATIONS[self as usize]
    }
}

/// The ids are as received; empty if the call has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Route<'a> {
    pub(super) call: Call,
    pub(super) subscription: &'a str,
    pub(super) endpoint: &'a str,
    pub(super) task: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoRoute {
    Path,
    Method(&'static str),
}

/// Fixed parts of the path match in any case: the vendor's own samples sign a lower-case path, so the service
/// must have ignored case.
pub(super) fn route<'a>(method: &str, path: &'a str) -> Result<Route<'a>, NoRoute> {
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let lower = |at: usize| segments.get(at).map(|word| word.to_ascii_lowercase());
    let fixed = [lower(0), lower(2), lower(4)];
    let (call, only) = match fixed.each_ref().map(|word| word.as_deref().unwrap_or("")) {
        _ if segments.contains(&"") => return Err(NoRoute::Path),
        ["subscriptions", "endpoints", list] => match (segments.len(), list) {
            (3, _) => (Call::ListEndpoints, "GET"),
            (4, _) => (Call::GetEndpoint, "GET"),
            (5, "purges") => (Call::AddPurge, "POST"),
            (5, "preloads") => (Call::AddPreload, "POST"),
            (6, "purges") => (Call::QueryPurge, "GET"),
            (6, "preloads") => (Call::QueryPreload, "GET"),
            (6, "operations") => (Call::GetOperation, "GET"),
            _ => return Err(NoRoute::Path),
        },
        _ => return Err(NoRoute::Path),
    };
    if method != only {
        return Err(NoRoute::Method(only));
    }
    let id = |at: usize| segments.get(at).copied().unwrap_or_default();
    Ok(Route {
        call,
        subscription: id(1),
        endpoint: id(3),
        task: id(5),
    })
}
