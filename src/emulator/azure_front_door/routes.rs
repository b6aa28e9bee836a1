//! Maps method and path to a call.

use crate::emulator::exchange::ApiRequest;
use crate::emulator::operation::{ApiOperation, operations};

operations! {
    PURGE = "purge", Purge;
    CLASSIC_PURGE = "classic-purge", Purge;
    LOOK = "endpoint", Other;
    CLASSIC_LOOK = "classic-endpoint", Other;
    PERMISSIONS = "permissions", Other;
    DOMAINS = "custom-domains", Other;
    CLASSIC_DOMAINS = "classic-custom-domains", Other;
    ROUTES = "routes", Other;
    STATUS = "status", Query;
    RESULT = "result", Query;
    TOKEN = "token", Other;
    MACHINE_TOKEN = "machine-token", Other;
    GITHUB_TOKEN = "github-token", Other;
}

pub(super) struct Route<'a> {
    pub(super) operation: ApiOperation,
    /// For a purge: subscription, resource group, profile and endpoint. For a poll: subscription and task.
    /// For a token: the tenant.
    pub(super) names: Vec<&'a str>,
}

/// Fixed parts of a path match in any case, because the service itself varies their spelling `[O]`.
pub(super) fn route(request: &ApiRequest) -> Option<Route<'_>> {
    const GROUP: [&str; 2] = ["subscriptions", "resourcegroups"];
    const PROVIDER: [&str; 3] = ["providers", "microsoft.cdn", "profiles"];
    let segments: Vec<&str> = request.path().split('/').skip(1).collect();
    let lower: Vec<_> = segments
        .iter()
        .map(|part| part.to_ascii_lowercase())
        .collect();
    let lower: Vec<_> = lower.iter().map(String::as_str).collect();
    let route = |operation, names: &[usize]| {
        let names = names.iter().map(|at| segments[*at]).collect();
        Some(Route { operation, names })
    };
    let is_purge = |parts: &[&str]| {
        [parts[0], parts[2]] == GROUP && parts[4..7] == PROVIDER && parts[10] == "purge"
    };
    match (request.method(), &*lower) {
        ("POST", parts) if parts.len() == 11 && is_purge(parts) => match parts[8] {
            "afdendpoints" => route(PURGE, &[1, 3, 7, 9]),
            "endpoints" => route(CLASSIC_PURGE, &[1, 3, 7, 9]),
            _ => None,
        },
        ("GET", parts)
            if parts.len() >= 9 && [parts[0], parts[2]] == GROUP && parts[4..7] == PROVIDER =>
        {
            let names = &[1, 3, 7, 9][..];
            match &parts[8..] {
                ["customdomains"] => route(DOMAINS, &[1, 3, 7]),
                ["afdendpoints", _] => route(LOOK, names),
                ["endpoints", _] => route(CLASSIC_LOOK, names),
                ["afdendpoints", _, "routes"] => route(ROUTES, names),
                ["endpoints", _, "customdomains"] => route(CLASSIC_DOMAINS, names),
                [
                    "afdendpoints" | "endpoints",
                    _,
                    "providers",
                    "microsoft.authorization",
                    "permissions",
                ] => route(PERMISSIONS, names),
                _ => None,
            }
        }
        ("GET", parts) if parts.first() == Some(&GROUP[0]) => {
            let results = parts.iter().position(|part| *part == "operationresults")?;
            match parts.len() - results {
                2 => route(STATUS, &[1, results + 1]),
                6 => route(RESULT, &[1, results + 1]),
                _ => None,
            }
        }
        ("POST", [_, "oauth2", "v2.0", "token"]) => route(TOKEN, &[0]),
        ("GET", ["metadata", "identity", "oauth2", "token"]) => route(MACHINE_TOKEN, &[]),
        ("GET", ["github", "token"]) => route(GITHUB_TOKEN, &[]),
        _ => None,
    }
}
