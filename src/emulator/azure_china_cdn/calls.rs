//! What each call does.
//!
//! Operations, headers, types and success codes are `[D]`. The order of the checks after the signature is
//! `[?]`: version, subscription, rights, rate, endpoint, body, quota. So is the answer to an unknown path or
//! method: 404 and 405 with the usual body.

use serde_json::json;
use url::form_urlencoded;
use uuid::Uuid;

use super::account::{AccountEndpoint, Lifetime, Rights};
use super::answers;
use super::errors::{ApiRefusal, ErrorType as E, refuse};
use super::items;
use super::routes::{self, Call, NoRoute};
use super::settings::AzureChinaCdn;
use super::verify;
use crate::emulator::backend::Backend;
use crate::emulator::budgets::Bucket;
use crate::emulator::exchange::{ApiRequest, Reply};
use crate::emulator::operation::Role;
use crate::emulator::tasks::AcceptedTask;
use crate::entry::TargetKind;

/// The only version `[D]`.
const API_VERSION: &str = "1.0";

impl AzureChinaCdn {
    pub(super) fn call(
        &self,
        request: &ApiRequest,
        backend: &mut Backend<'_>,
    ) -> Result<Reply, ApiRefusal> {
        let route = match routes::route(request.method(), request.path()) {
            Ok(route) => route,
            Err(NoRoute::Path) => {
                let refusal = refuse(E::ParameterInvalid, "There is nothing at this path.");
                return Err(refusal.with_status(404));
            }
            Err(NoRoute::Method(only)) => {
                let refusal = refuse(E::ParameterInvalid, format!("The method must be {only}."));
                return Err(refusal.with_status(405));
            }
        };
        let key = verify::verify(request, self, backend.now)?;
        check_version(request.query())?;
        let endpoints = self.account.endpoints_of(route.subscription);
        let Some(first) = endpoints.first() else {
            let message = "The subscription does not exist.";
            return Err(refuse(E::SubscriptionNotFound, message));
        };
        let subscription = first.subscription.to_ascii_lowercase();
        if !key.subscription.eq_ignore_ascii_case(&subscription) {
            let message = "The API key is not one of this subscription.";
            return Err(refuse(E::CredentialInvalid, message));
        }
        if request.method() == "POST" && key.rights == Rights::ReadOnly {
            return Err(refuse(E::PermissionDenied, "The API key may only read."));
        }
        if let Some(rate) = self.requests_per_second {
            let taken =
                backend
                    .budgets
                    .take(&subscription, 1.0, Bucket::of_second(rate), backend.instant);
            taken.map_err(|wait| ApiRefusal {
                retry_after: Some(wait),
                ..refuse(
                    E::RequestThrottled,
                    format!("More than {rate} requests a second."),
                )
            })?;
        }
        let shown = |endpoint| answers::endpoint(endpoint, self.endpoint_spelling);
        if route.call == Call::ListEndpoints {
            let endpoints: Vec<_> = endpoints.into_iter().map(shown).collect();
            return Ok(Reply::json(200, &endpoints));
        }
        let endpoint = self.account.endpoint(route.endpoint);
        let endpoint =
            endpoint.ok_or_else(|| refuse(E::EndpointNotFound, "The endpoint does not exist."))?;
        if !endpoint.subscription.eq_ignore_ascii_case(&subscription) {
            let message = "The endpoint belongs to another subscription.";
            return Err(refuse(E::EndpointDoesNotBelongToSubscription, message));
        }
        let (now, word) = (backend.instant, backend.status_word());
        let task = |role| self.task(endpoint, route.task, role, backend);
        Ok(match route.call {
            Call::ListEndpoints | Call::GetEndpoint => Reply::json(200, &shown(endpoint)),
            Call::QueryPurge => {
                let task = task(Some(Role::Purge))?;
                Reply::json(200, &answers::progress(task, now, self, word))
            }
            Call::QueryPreload => {
                let task = task(Some(Role::Preload))?;
                Reply::json(200, &answers::progress(task, now, self, word))
            }
            Call::GetOperation => {
                let task = task(None)?;
                Reply::json(200, &answers::operation(task, &subscription, now, word))
            }
            Call::AddPurge | Call::AddPreload => {
                let task = self.start(route.call, endpoint, request, backend)?;
                Reply::json(202, &answers::accepted(task, now))
            }
        })
    }

    fn start<'a>(
        &self,
        call: Call,
        endpoint: &AccountEndpoint,
        request: &ApiRequest,
        backend: &'a mut Backend<'_>,
    ) -> Result<&'a AcceptedTask, ApiRefusal> {
        if endpoint.lifetime != Lifetime::Active {
            let message = format!("The endpoint is {}.", endpoint.lifetime);
            return Err(refuse(E::EndpointNotInActiveState, message));
        }
        let items = items::read(request, endpoint, self)?;
        let count = |kind| items.iter().filter(|item| item.kind == kind).count();
        let (files, directories) = (count(TargetKind::File), count(TargetKind::Directory));
        let uses = match call.operation().role {
            Role::Purge => vec![
                ("file purges", files, self.files_per_day),
                ("directory purges", directories, self.directories_per_day),
            ],
            _ if directories > 0 => {
                let message = "Directories cannot be preloaded.";
                return Err(refuse(E::ParameterInvalid, message));
            }
            _ => vec![("preloads", files, self.preloads_per_day)],
        };
        let account = endpoint.subscription.to_ascii_lowercase();
        let (budgets, now) = (&mut backend.budgets, backend.now);
        let booked = budgets.book(&account, &uses, self.day_starts_at, now);
        booked.map_err(|message| self.exhausted(message))?;
        let (id, scope) = (Uuid::new_v4().to_string(), endpoint.id.to_ascii_lowercase());
        Ok(backend.start(call.operation(), id, &scope, items))
    }

    /// Only of this endpoint and role.
    fn task<'a>(
        &self,
        endpoint: &AccountEndpoint,
        id: &str,
        role: Option<Role>,
        backend: &'a Backend<'_>,
    ) -> Result<&'a AcceptedTask, ApiRefusal> {
        let task = backend.tasks().get(&id.to_ascii_lowercase());
        task.filter(|task| task.scope.eq_ignore_ascii_case(&endpoint.id))
            .filter(|task| role.is_none_or(|role| role == task.operation.role))
            .ok_or_else(|| {
                let (status, error) = self.unknown_task;
                refuse(error, format!("There is no task {id:?}.")).with_status(status)
            })
    }

    pub(super) fn exhausted(&self, message: impl Into<String>) -> ApiRefusal {
        let (status, error) = self.quota_exhausted;
        refuse(error, message).with_status(status)
    }

    pub(super) fn refusal(&self, refusal: ApiRefusal) -> Reply {
        let (error, message) = (refusal.error, refusal.message);
        let usual = self.error_status.get(&error).copied();
        let status = refusal.status.or(usual);
        let body = json!({
            "Succeeded": false,
            "ErrorInfo": { "Type": error.to_string(), "Message": message }
        });
        let status = status.unwrap_or(error.default_status());
        let reply = Reply {
            error: Some(format!("{error}: {message}")),
            ..Reply::json(status, &body)
        };
        reply.retry_after(refusal.retry_after)
    }
}

/// `apiVersion=1.0`, once `[D]`.
fn check_version(query: &str) -> Result<(), ApiRefusal> {
    let versions = form_urlencoded::parse(query.as_bytes());
    let versions = versions.filter(|(name, _)| name == "apiVersion");
    let versions: Vec<_> = versions.map(|(_, value)| value).collect();
    match versions.as_slice() {
        [version] if version == API_VERSION => Ok(()),
        [] => Err(refuse(
            E::ParameterMissing,
            "The parameter apiVersion is missing.",
        )),
        [_, ..] => {
            let message = format!("The parameter apiVersion must be {API_VERSION}.");
            Err(refuse(E::ParameterInvalid, message))
        }
    }
}
