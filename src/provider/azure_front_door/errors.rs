//! What the errors of Azure Resource Manager and of the token service mean.

use serde_json::Value;

use crate::provider::excerpt::excerpt;
use crate::provider::json::{list, text};
use crate::provider::plain_http::{Dialect, Meaning};
use crate::provider::{ApiError, Effect};
use crate::transport::Response;
use crate::transport::retry::RetryClass::{Never, Throttled, Transient};

pub(super) const DIALECT: Dialect = Dialect {
    request_id: Some("x-ms-request-id"),
    credentials: "give the identity the role CDN Profile Contributor on the profile, and check `cloud` and the tenant",
    not_found: "check `cloud`, `subscriptionId`, `resourceGroup`, `profile` and `endpoint`",
};

fn body(response: &Response) -> Option<Value> {
    serde_json::from_slice(&response.body).ok()
}

fn code_of(body: &Value) -> Option<&str> {
    let code = body.get("error")?.get("code")?.as_str()?;
    Some(code).filter(|code| !code.is_empty())
}

/// Whether Resource Manager itself refused.
pub(super) fn is_own(response: &Response) -> bool {
    body(response).is_some_and(|body| code_of(&body).is_some())
}

/// `Code: message` of an error body. `None` if there is no error `[O]`.
pub(super) fn said(body: &Value) -> Option<String> {
    let code = code_of(body).filter(|code| *code != "None")?;
    let message = body["error"]["message"].as_str().map(excerpt);
    let code = excerpt(code);
    Some(match message.filter(|message| !message.is_empty()) {
        Some(message) => format!("{code}: {message}"),
        None => code,
    })
}

pub(super) fn refused(response: &Response) -> ApiError {
    let body = body(response).unwrap_or_default();
    let Some((code, said)) = code_of(&body).zip(said(&body)) else {
        return DIALECT.by_status(response);
    };
    let meaning = match response.status {
        429 => None,
        _ => meaning(code),
    };
    let meaning = meaning.unwrap_or_else(|| DIALECT.of_refusal(response.status));
    let summary = format!("the CDN refused the request with {said}");
    DIALECT.error(meaning, response, summary)
}

fn meaning(code: &str) -> Option<Meaning> {
    let credentials = |hint| Meaning::new(Never, Effect::Credentials, hint);
    let endpoint = |hint| Meaning::new(Never, Effect::Endpoint, hint);
    Some(match code {
        "InvalidAuthenticationToken"
        | "ExpiredAuthenticationToken"
        | "AuthenticationFailed"
        | "InvalidAuthenticationTokenTenant" => {
            credentials("check `cloud` and the tenant: the token was rejected")
        }
        "AuthorizationFailed" | "LinkedAuthorizationFailed" => credentials(
            "give the identity the role CDN Profile Contributor on the profile; CDN Endpoint Contributor is not enough",
        ),
        "SubscriptionNotFound" => endpoint(
            "check `subscriptionId` and `cloud`: a wrong tenant or cloud looks like this, too",
        ),
        "ResourceNotFound" | "ParentResourceNotFound" | "ResourceGroupNotFound" => {
            endpoint("check `resourceGroup`, `profile`, `endpoint` and `product`")
        }
        "MissingSubscriptionRegistration" => {
            endpoint("register the resource provider Microsoft.Cdn in the subscription")
        }
        "InvalidApiVersionParameter"
        | "MissingApiVersionParameter"
        | "NoRegisteredProviderFound" => {
            endpoint("set `apiVersion` to one that this cloud has; the message may list them")
        }
        "BadRequest" => Meaning::new(
            Never,
            Effect::Items,
            "check that these hosts are domains of the endpoint, and look for unusual characters in the paths",
        ),
        "Conflict" => Meaning::bare(Transient, Effect::Step),
        "SubscriptionRequestsThrottled" | "TooManyRequests" => Meaning::new(
            Throttled,
            Effect::Step,
            "lower `requestsPerSecond` in the endpoint's `limits`: others use the subscription, too",
        ),
        _ => return None,
    })
}

/// A refusal of the token service, by its AADSTS code `[D]` `[O]`.
pub(super) fn no_token(response: &Response, body: &Value) -> ApiError {
    let error = text(body, "error").map(excerpt);
    let Some(error) = error.filter(|error| !error.is_empty()) else {
        return DIALECT.by_status(response);
    };
    let description = text(body, "error_description").unwrap_or_default();
    // The rest is for the vendor's support and has its own lines.
    let description = description.split(" Trace ID:").next().unwrap_or_default();
    let mut codes = list(body, "error_codes").filter_map(Value::as_u64);
    let hint = codes.find_map(remedy);
    let is_refusal =
        (400..=499).contains(&response.status) && !matches!(response.status, 404 | 408 | 410 | 429);
    let meaning = match is_refusal {
        true => Meaning::new(
            Never,
            Effect::Credentials,
            hint.unwrap_or("check the `credentials` of the endpoint"),
        ),
        false => Meaning::new(
            Transient,
            Effect::Credentials,
            "try again later: the token service is not working now",
        ),
    };
    let summary = match excerpt(description) {
        said if said.is_empty() => format!("no token: {error}"),
        said => format!("no token: {error}: {said}"),
    };
    DIALECT.error(meaning, response, summary)
}

fn remedy(code: u64) -> Option<&'static str> {
    Some(match code {
        7_000_215 => {
            "check `secret`: it is not the app registration's; use the secret's value, not its id"
        }
        7_000_222 => "make a new client secret: this one has expired",
        700_016 => "check `clientId`, `tenantId` and `cloud`: the tenant has no such app",
        90_002 => "check `tenantId` and `cloud`: there is no such tenant",
        70_021 => {
            "compare issuer, subject and audience of the federated credential with those of the token; a new one takes some minutes"
        }
        70_025 => "add a federated credential to the app registration",
        700_021 | 700_023 | 700_027 => {
            "check that the token is fresh, and that its issuer and audience are those of the federated credential"
        }
        70_011 | 500_011 => "check `cloud`: the tenant does not know this cloud's Resource Manager",
        _ => return None,
    })
}
