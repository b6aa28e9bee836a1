//! Method and path become an operation. Pure; knows nothing of keys or accounts.

use std::fmt;

/// What the API can be asked `[D]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// `POST …/purges`
    AddPurge,
    /// `GET …/purges/{id}`
    QueryPurge,
    /// `POST …/preloads`
    AddPreload,
    /// `GET …/preloads/{id}`
    QueryPreload,
    /// `GET …/operations/{id}`
    GetOperation,
    /// `GET …/endpoints`
    ListEndpoints,
    /// `GET …/endpoints/{id}`
    GetEndpoint,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 7] = [
        Self::AddPurge,
        Self::QueryPurge,
        Self::AddPreload,
        Self::QueryPreload,
        Self::GetOperation,
        Self::ListEndpoints,
        Self::GetEndpoint,
    ];

    /// The word for it in faults and in the journal.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AddPurge => "purge",
            Self::QueryPurge => "query",
            Self::AddPreload => "preload",
            Self::QueryPreload => "query-preload",
            Self::GetOperation => "operation",
            Self::ListEndpoints => "endpoints",
            Self::GetEndpoint => "endpoint",
        }
    }

    /// Whether it starts a task; a key needs write access for it `[D]`.
    pub const fn starts_task(self) -> bool {
        match self {
            Self::AddPurge | Self::AddPreload => true,
            Self::QueryPurge
            | Self::QueryPreload
            | Self::GetOperation
            | Self::ListEndpoints
            | Self::GetEndpoint => false,
        }
    }

    /// Whether it asks about a task.
    pub const fn asks_about_task(self) -> bool {
        match self {
            Self::QueryPurge | Self::QueryPreload | Self::GetOperation => true,
            Self::AddPurge | Self::AddPreload | Self::ListEndpoints | Self::GetEndpoint => false,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An operation with the ids of its path, as received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Route<'a> {
    /// What is asked.
    pub(super) operation: Operation,
    /// Of which subscription.
    pub(super) subscription: &'a str,
    /// Of which endpoint; empty where the operation has none.
    pub(super) endpoint: &'a str,
    /// About which task; empty where the operation has none.
    pub(super) task: &'a str,
}

/// Why a request names no operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoRoute {
    /// There is nothing at this path.
    Path,
    /// There is, but only for the method named here.
    Method(&'static str),
}

/// Finds the operation. Fixed parts of the path match in either case: the vendor's own samples sign
/// a lower-cased path, so the service cannot have cared.
pub(super) fn route<'a>(method: &str, path: &'a str) -> Result<Route<'a>, NoRoute> {
    let mut segments = ["", "", "", "", "", ""];
    let mut count = 0;
    for segment in path.strip_prefix('/').ok_or(NoRoute::Path)?.split('/') {
        *segments.get_mut(count).ok_or(NoRoute::Path)? = segment;
        count += 1;
    }
    let [root, subscription, endpoints, endpoint, kind, task] = segments;
    let is = |segment: &str, name: &str| segment.eq_ignore_ascii_case(name);
    let filled = segments
        .iter()
        .take(count)
        .all(|segment| !segment.is_empty());
    if !filled || !is(root, "subscriptions") || !is(endpoints, "endpoints") {
        return Err(NoRoute::Path);
    }
    let (operation, only) = match count {
        3 => (Operation::ListEndpoints, "GET"),
        4 => (Operation::GetEndpoint, "GET"),
        5 if is(kind, "purges") => (Operation::AddPurge, "POST"),
        5 if is(kind, "preloads") => (Operation::AddPreload, "POST"),
        6 if is(kind, "purges") => (Operation::QueryPurge, "GET"),
        6 if is(kind, "preloads") => (Operation::QueryPreload, "GET"),
        6 if is(kind, "operations") => (Operation::GetOperation, "GET"),
        _ => return Err(NoRoute::Path),
    };
    if method != only {
        return Err(NoRoute::Method(only));
    }
    Ok(Route {
        operation,
        subscription,
        endpoint,
        task,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_methods() {
        let found = |method, path| route(method, path).map(|route| route.operation);
        assert_eq!(
            found("POST", "/subscriptions/S/endpoints/E/purges"),
            Ok(Operation::AddPurge)
        );
        assert_eq!(
            found("GET", "/Subscriptions/S/endpoints/E/Purges/P"),
            Ok(Operation::QueryPurge)
        );
        assert_eq!(
            found("GET", "/subscriptions/S/endpoints"),
            Ok(Operation::ListEndpoints)
        );
        assert_eq!(
            found("GET", "/subscriptions/S/endpoints/E/purges"),
            Err(NoRoute::Method("POST"))
        );
        assert_eq!(
            found("DELETE", "/subscriptions/S/endpoints/E/purges/P"),
            Err(NoRoute::Method("GET"))
        );
        for path in [
            "/",
            "",
            "/subscriptions",
            "/subscriptions//endpoints",
            "/subscriptions/S/endpoints/E/purges/P/x",
            "/subscriptions/S/endpoints/E/purges/",
            "/subscriptions/S/endpoints/E/bandwidth",
        ] {
            assert_eq!(found("GET", path), Err(NoRoute::Path), "{path}");
        }
    }
}
