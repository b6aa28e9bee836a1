//! What each call does.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::errors as E;
use super::items;
use super::routes::{
    CLASSIC_DOMAINS, CLASSIC_LOOK, CLASSIC_PURGE, DOMAINS, GITHUB_TOKEN, LOOK, MACHINE_TOKEN,
    PERMISSIONS, PURGE, RESULT, ROUTES, STATUS, TOKEN, route,
};
use super::settings::{AzureFrontDoor, ENDPOINT, PROFILE, RESOURCE_GROUP, SUBSCRIPTION_ID};
use crate::emulator::api::named;
use crate::emulator::backend::Backend;
use crate::emulator::exchange::{ApiRequest, Reply};
use crate::emulator::operation::ApiOperation;
use crate::emulator::tasks::Stage;

impl AzureFrontDoor {
    pub(super) fn call(
        &mut self,
        request: &ApiRequest,
        backend: &mut Backend<'_>,
    ) -> Result<Reply, Reply> {
        let nothing = || E::NO_RESOURCE.reply("There is nothing at this path.");
        let route = route(request).ok_or_else(nothing)?;
        if route.operation == TOKEN {
            let tenant = route.names.first().copied().unwrap_or_default();
            return Ok(self.login(request, tenant, backend.now));
        }
        if route.operation == MACHINE_TOKEN {
            return Ok(self.machine(request, backend.now));
        }
        if route.operation == GITHUB_TOKEN {
            return Ok(Self::github(request));
        }
        self.check_token(request, backend.now)?;
        let version = request.parameter("api-version");
        let version = version.ok_or_else(|| {
            E::NO_VERSION.reply("The api-version query parameter (?api-version=) is required.")
        })?;
        let versions = match route.operation {
            PERMISSIONS => &vec!["2022-04-01"],
            _ => &self.api_versions,
        };
        if !versions.contains(&&*version) {
            let known = versions.join(", ");
            return Err(E::NO_SUCH_VERSION.reply(format!(
                "No registered resource provider found for '{version}'. The supported api-versions are '{known}'."
            )));
        }
        let name = |at: usize| route.names.get(at).copied().unwrap_or_default();
        if !name(0).eq_ignore_ascii_case(SUBSCRIPTION_ID) {
            let message = format!("The subscription '{}' could not be found.", name(0));
            return Err(E::NO_SUBSCRIPTION.reply(message));
        }
        self.check_right(route.operation)?;
        match route.operation {
            DOMAINS => {
                check_names(name(1), name(2), ENDPOINT)?;
                Ok(Reply::json(200, &self.domains()))
            }
            LOOK | CLASSIC_LOOK | PERMISSIONS | ROUTES | CLASSIC_DOMAINS => {
                check_names(name(1), name(2), name(3))?;
                Ok(Reply::json(200, &self.look(route.operation)))
            }
            STATUS | RESULT => progress(request, name(1), route.operation, backend),
            _ => {
                check_names(name(1), name(2), name(3))?;
                self.start(request, &version, route.operation, backend)
            }
        }
    }

    /// `[D]` for purges, `[I]` for the rest.
    fn check_right(&self, operation: ApiOperation) -> Result<(), Reply> {
        let action = match operation {
            PURGE => "Microsoft.Cdn/profiles/afdEndpoints/purge/action",
            CLASSIC_PURGE => "Microsoft.Cdn/profiles/endpoints/purge/action",
            LOOK => "Microsoft.Cdn/profiles/afdEndpoints/read",
            CLASSIC_LOOK => "Microsoft.Cdn/profiles/endpoints/read",
            PERMISSIONS => "Microsoft.Authorization/permissions/read",
            DOMAINS => "Microsoft.Cdn/profiles/customDomains/read",
            CLASSIC_DOMAINS => "Microsoft.Cdn/profiles/endpoints/customDomains/read",
            ROUTES => "Microsoft.Cdn/profiles/afdEndpoints/routes/read",
            _ => return Ok(()),
        };
        match self.denied.contains(&action) {
            false => Ok(()),
            true => Err(E::FORBIDDEN.reply(format!(
                "The client does not have authorization to perform action '{action}' over scope or the scope is invalid."
            ))),
        }
    }

    fn domains(&self) -> Value {
        let domains = named(&self.hosts).into_iter().map(|host| {
            json!({
                "id": domain_id(&host),
                "properties": { "hostName": host, "domainValidationState": "Approved" },
            })
        });
        json!({ "value": domains.collect::<Vec<_>>() })
    }

    fn look(&self, operation: ApiOperation) -> Value {
        match operation {
            PERMISSIONS => json!({ "value": [{
                "actions": ["Microsoft.Cdn/profiles/*", "Microsoft.Authorization/*/read"],
                "notActions": self.denied,
            }] }),
            CLASSIC_DOMAINS => self.domains(),
            ROUTES => {
                let domains = self.domains();
                let domains = domains["value"].as_array().into_iter().flatten();
                let domains = domains.map(|domain| json!({ "id": domain["id"], "isActive": true }));
                let domains: Vec<_> = domains.collect();
                json!({ "value": [{ "properties": {
                    "customDomains": domains, "linkToDefaultDomain": "Enabled",
                } }] })
            }
            CLASSIC_LOOK => json!({ "name": ENDPOINT, "properties": {
                "hostName": Self::own_host(), "resourceState": "Running",
                "provisioningState": "Succeeded",
            } }),
            _ => json!({ "name": ENDPOINT, "properties": {
                "hostName": Self::own_host(), "enabledState": "Enabled",
                "provisioningState": "Succeeded", "deploymentStatus": "Succeeded",
            } }),
        }
    }

    fn check_token(&self, request: &ApiRequest, now: DateTime<Utc>) -> Result<(), Reply> {
        let header = request.header("authorization").unwrap_or_default();
        let Some(token) = header.strip_prefix("Bearer ") else {
            let message = "Authentication failed. The 'Authorization' header is missing.";
            return Err(E::NO_TOKEN.reply(message));
        };
        match self.tokens.get(token) {
            Some(ends) if *ends > now => Ok(()),
            Some(_) => Err(E::OLD_TOKEN
                .reply("The access token expiry UTC time is earlier than current UTC time.")),
            None => Err(E::BAD_TOKEN.reply("The access token is invalid.")),
        }
    }

    fn start(
        &self,
        request: &ApiRequest,
        version: &str,
        operation: ApiOperation,
        backend: &mut Backend<'_>,
    ) -> Result<Reply, Reply> {
        let taken = backend
            .budgets
            .take(SUBSCRIPTION_ID, 1.0, self.writes, backend.instant);
        taken.map_err(|wait| throttled(Some(wait)))?;
        let items = items::read(request.body(), operation == CLASSIC_PURGE, self)?;
        let id = Uuid::new_v4().to_string();
        backend.start(operation, id.clone(), SUBSCRIPTION_ID, items);
        // With names in lower case, and a long signed query [O].
        let host = request.header("host").unwrap_or_default();
        let place = format!(
            "http://{host}/subscriptions/{SUBSCRIPTION_ID}/resourcegroups/{RESOURCE_GROUP}/providers/Microsoft.Cdn/operationresults/{id}"
        );
        let signed = format!(
            "api-version={version}&t={}&s={}",
            backend.now.timestamp(),
            "a".repeat(2048)
        );
        let result =
            format!("{place}/profileresults/{PROFILE}/afdendpointresults/{ENDPOINT}?{signed}");
        let reply = Reply::new(202, "application/json; charset=utf-8", "");
        let reply = match self.has_words {
            true => reply.header("azure-asyncoperation", format!("{place}?{signed}")),
            false => reply,
        };
        Ok(reply.header("location", result))
    }
}

fn progress(
    request: &ApiRequest,
    id: &str,
    operation: ApiOperation,
    backend: &Backend<'_>,
) -> Result<Reply, Reply> {
    let signature = request.parameter("s");
    let is_signed = signature.is_some_and(|signature| signature.len() == 2048);
    let task = backend.tasks().get(id).filter(|_| is_signed);
    let task =
        task.ok_or_else(|| E::NO_RESOURCE.reply(format!("The operation '{id}' was not found.")))?;
    let stage = task.stage(backend.instant);
    if operation == RESULT {
        let status = if stage < Stage::Succeeded { 202 } else { 200 };
        return Ok(Reply::new(status, "application/json; charset=utf-8", ""));
    }
    let (word, code, message) = match stage {
        Stage::Waiting => ("NotStarted", "None", None),
        Stage::Running => ("InProgress", "None", None),
        Stage::Succeeded => ("Succeeded", "None", None),
        Stage::Failed => ("Failed", "InternalError", Some("The purge failed.")),
    };
    let word = backend.status_word().unwrap_or(word);
    // `error` is present on success too [O].
    Ok(Reply::json(
        200,
        &json!({ "status": word, "error": { "code": code, "message": message } }),
    ))
}

/// Names of domains have hyphens instead of dots `[O]`.
fn domain_id(host: &str) -> String {
    let name = host.replace(['.', '*'], "-");
    format!(
        "/subscriptions/{SUBSCRIPTION_ID}/resourcegroups/{RESOURCE_GROUP}/providers/Microsoft.Cdn/profiles/{PROFILE}/customdomains/{name}"
    )
}

pub(super) fn throttled(wait: Option<Duration>) -> Reply {
    let message =
        format!("Number of 'write' requests for subscription '{SUBSCRIPTION_ID}' exceeded.");
    E::THROTTLED.reply(message).retry_after(wait)
}

/// Names are case-insensitive `[O]`.
fn check_names(group: &str, profile: &str, endpoint: &str) -> Result<(), Reply> {
    let is = |name: &str, known: &str| name.eq_ignore_ascii_case(known);
    if !is(group, RESOURCE_GROUP) {
        let message = format!("Resource group '{group}' could not be found.");
        return Err(E::NO_GROUP.reply(message));
    }
    if !is(profile, PROFILE) {
        let message = format!("The profile '{profile}' was not found.");
        return Err(E::NO_PARENT.reply(message));
    }
    match is(endpoint, ENDPOINT) {
        true => Ok(()),
        false => Err(E::NO_RESOURCE.reply(format!("The endpoint '{endpoint}' was not found."))),
    }
}
