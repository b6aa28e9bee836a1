//! The documented error types, each with its retry class, effect and remedy.

use crate::provider::Effect;
use crate::provider::plain_http::Meaning;
use crate::transport::retry::RetryClass;
use crate::word_enum::word_enum;

word_enum! {
    /// `ErrorInfo.Type` `[D]`, in the order of the documents.
    pub enum ErrorType {
        CredentialInvalid = "CredentialInvalid",
        ParameterMissing = "ParameterMissing",
        ParameterInvalid = "ParameterInvalid",
        MissingAuthorizationHeader = "MissingAuthorizationHeader",
        InvalidRequestDateHeader = "InvalidRequestDateHeader",
        MissingRequestDateHeader = "MissingRequestDateHeader",
        AuthorizationHeaderExpired = "AuthorizationHeaderExpired",
        InvalidAuthorizationHeader = "InvalidAuthorizationHeader",
        ApiKeyNotFound = "ApiKeyNotFound",
        InvalidApiKey = "InvalidApiKey",
        WrongSignature = "WrongSignature",
        SubscriptionNotFound = "SubscriptionNotFound",
        EndpointDoesNotBelongToSubscription = "EndpointDoesNotBelongToSubscription",
        EndpointNotInActiveState = "EndpointNotInActiveState",
        EndpointNotFound = "EndpointNotFound",
        MaliciousItemPathDetected = "MaliciousItemPathDetected",
        PermissionDenied = "PermissionDenied",
        RequestThrottled = "RequestThrottled",
    }
}

impl ErrorType {
    pub fn parse(word: &str) -> Option<Self> {
        let mut types = Self::ALL.into_iter();
        types.find(|known| known.as_str().eq_ignore_ascii_case(word))
    }

    pub(super) fn meaning(self) -> Meaning {
        use RetryClass::{ClockSkew, Never, Throttled};
        let credentials = |hint| Meaning::new(Never, Effect::Credentials, hint);
        let endpoint = |hint| Meaning::new(Never, Effect::Endpoint, hint);
        let items = |hint| Meaning::new(Never, Effect::Items, hint);
        match self {
            Self::CredentialInvalid => credentials(
                "check `keyId` and `keyValue`: the key may have been deleted or made anew in the portal",
            ),
            Self::ParameterMissing => Meaning::new(
                Never,
                Effect::Step,
                "check that `apiUrl` is the API itself: something in between may drop the query or the body",
            ),
            Self::ParameterInvalid => items(
                "check that the URLs belong to this endpoint's domain, and try a lower `itemsPerRequest`",
            ),
            Self::MissingAuthorizationHeader => credentials(
                "purgit sends this header: check that no proxy in between removes `Authorization`",
            ),
            Self::InvalidRequestDateHeader => Meaning::new(
                ClockSkew,
                Effect::Endpoint,
                "check this machine's clock; the date is sent in UTC",
            ),
            Self::MissingRequestDateHeader => endpoint(
                "purgit sends this header: check that no proxy in between removes `x-azurecdn-request-date`",
            ),
            Self::AuthorizationHeaderExpired => Meaning::new(
                ClockSkew,
                Effect::Credentials,
                "set this machine's clock: the signature carries its time",
            ),
            Self::InvalidAuthorizationHeader => credentials(
                "check that `keyId` is the id of the key alone, without spaces or line ends",
            ),
            Self::ApiKeyNotFound => {
                credentials("check `keyId`: this subscription has no key of that id")
            }
            Self::InvalidApiKey => credentials(
                "check `keyId`: it must be the id of an active key of this subscription",
            ),
            Self::WrongSignature => credentials(
                "check `keyValue`: it must belong to `keyId` and have no quotes or line end around it; then this machine's clock",
            ),
            Self::SubscriptionNotFound => endpoint("check `subscriptionId`"),
            Self::EndpointDoesNotBelongToSubscription => {
                endpoint("check that `endpointId` and `subscriptionId` belong together")
            }
            Self::EndpointNotInActiveState => endpoint(
                "enable the endpoint in the portal; a domain without a valid ICP filing cannot be purged",
            ),
            Self::EndpointNotFound => {
                endpoint("check `endpointId`: the endpoint may have been deleted or migrated")
            }
            Self::MaliciousItemPathDetected => items("look for unusual characters in these URLs"),
            Self::PermissionDenied => credentials(
                "use a read-write key: a read-only one can ask about purges but not submit them",
            ),
            Self::RequestThrottled => Meaning::new(
                Throttled,
                Effect::Step,
                "lower `requestsPerSecond` or `concurrentRequests` in the endpoint's `limits`",
            ),
        }
    }
}
