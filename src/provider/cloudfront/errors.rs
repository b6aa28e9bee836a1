//! What the errors of the API mean.

use serde::Deserialize;

use super::xml::{Document, parse};
use crate::provider::excerpt::excerpt;
use crate::provider::plain_http::{Dialect, Meaning};
use crate::provider::{ApiError, Effect};
use crate::transport::Response;
use crate::transport::retry::RetryClass::{ClockSkew, Never, Throttled, Transient};

pub(super) const DIALECT: Dialect = Dialect {
    request_id: Some("x-amzn-requestid"),
    credentials: "check the access key, and that its identity may call cloudfront:CreateInvalidation and cloudfront:GetInvalidation on the distribution",
    not_found: "check `apiUrl` and `distributionId`",
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ErrorResponse {
    error: Detail,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Detail {
    code: String,
    #[serde(default)]
    message: String,
}

impl Document for ErrorResponse {
    const ROOT: &'static str = "ErrorResponse";
}

pub(super) fn refused(response: &Response) -> ApiError {
    let error = parse::<ErrorResponse>(&response.body).map(|found| found.error);
    let Some(Detail { code, message }) = error.filter(|error| !error.code.is_empty()) else {
        return DIALECT.by_status(response);
    };
    let meaning = meaning(&code, &message).unwrap_or_else(|| DIALECT.of_refusal(response.status));
    let said = match excerpt(&message) {
        message if message.is_empty() => excerpt(&code),
        message => format!("{}: {message}", excerpt(&code)),
    };
    let summary = format!("the CDN refused the request with {said}");
    DIALECT.error(meaning, response, summary)
}

/// Whether the CDN itself refuses with this code.
pub(super) fn is(code: &str, response: &Response) -> bool {
    parse::<ErrorResponse>(&response.body).is_some_and(|found| found.error.code == code)
}

fn meaning(code: &str, message: &str) -> Option<Meaning> {
    let credentials = |hint| Meaning::new(Never, Effect::Credentials, hint);
    let items = |hint| Meaning::new(Never, Effect::Items, hint);
    Some(match code {
        "AccessDenied" | "OptInRequired" => credentials(
            "allow the identity cloudfront:CreateInvalidation and cloudfront:GetInvalidation on the distribution",
        ),
        "InvalidClientTokenId" | "UnrecognizedClientException" | "MissingAuthenticationToken" => {
            credentials("check the access key: it is unknown, or its session token is missing")
        }
        "ExpiredToken" | "ExpiredTokenException" => {
            credentials("sign in again, or use a longer session: this one has expired")
        }
        // The CDN also uses this code when only the time is wrong [O].
        "SignatureDoesNotMatch" if message.starts_with("Signature ") => CLOCK,
        "RequestExpired" => CLOCK,
        "SignatureDoesNotMatch" | "IncompleteSignature" => credentials(
            "check the secret access key: spaces, quotes or a line end may have come with it",
        ),
        "NoSuchDistribution" => Meaning::new(
            Never,
            Effect::Endpoint,
            "check `distributionId`, and that the access key is of the same account",
        ),
        "TooManyInvalidationsInProgress" => Meaning::new(
            Never,
            Effect::Full,
            "the rest stays planned: run `purgit apply` when what is in progress is over",
        ),
        "InvalidArgument" => items(
            "look for unusual characters in the paths; a tag needs `CacheTagConfig` at the distribution",
        ),
        "BatchTooLarge" => items("lower `itemsPerRequest` in the endpoint's `limits`"),
        "InvalidationBatchAlreadyExists" => Meaning::new(
            Never,
            Effect::Step,
            "run `purgit apply` again: it gives the invalidation another caller reference",
        ),
        "Throttling"
        | "ThrottlingException"
        | "TooManyRequestsException"
        | "RequestLimitExceeded" => Meaning::new(
            Throttled,
            Effect::Step,
            "others use the account's API, too: try again later",
        ),
        "ServiceUnavailable" => Meaning::bare(Transient, Effect::Step),
        // It may have been done all the same.
        "InternalFailure" | "InternalError" => DIALECT.of_status(500),
        _ => return None,
    })
}

const CLOCK: Meaning = Meaning::new(
    ClockSkew,
    Effect::Credentials,
    "set the clock of this machine: CloudFront accepts requests that are at most 5 min off",
);
