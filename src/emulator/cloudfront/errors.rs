//! The errors of this API.

use quick_xml::escape::partial_escape;

use super::documents::xml;
use crate::emulator::error_codes::error_codes;
use crate::emulator::exchange::Reply;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorCode {
    pub code: &'static str,
    /// `[D]` for errors of the operations, `[O]` for the others.
    pub status: u16,
    message: &'static str,
}

error_codes! {
    ACCESS_DENIED = "AccessDenied", 403, "Access denied.";
    NO_KEY = "MissingAuthenticationToken", 403, "Missing Authentication Token";
    INCOMPLETE = "IncompleteSignature", 400, "The request signature does not conform to AWS standards.";
    UNKNOWN_KEY = "InvalidClientTokenId", 403, "The security token included in the request is invalid.";
    EXPIRED_TOKEN = "ExpiredToken", 403, "The security token included in the request is expired";
    BAD_SIGNATURE = "SignatureDoesNotMatch", 403, "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";
    OPT_IN = "OptInRequired", 403, "The AWS Access Key Id needs a subscription for the service";
    INVALID_URI = "InvalidURI", 400, "The requested URI could not be parsed.";
    NO_DISTRIBUTION = "NoSuchDistribution", 404, "The specified distribution does not exist.";
    NO_INVALIDATION = "NoSuchInvalidation", 404, "The specified invalidation does not exist.";
    INVALID_ARGUMENT = "InvalidArgument", 400, "Your request contains one or more invalid invalidation paths.";
    MISSING_BODY = "MissingBody", 400, "This operation requires a body. Ensure that the body is present and the Content-Type header is set.";
    MALFORMED_XML = "MalformedXML", 400, "Invalid XML document";
    MALFORMED_INPUT = "MalformedInput", 400, "1 validation error detected.";
    INCONSISTENT = "InconsistentQuantities", 400, "The value of Quantity and the size of Items don't match.";
    TOO_LARGE = "BatchTooLarge", 413, "Invalidation batch specified is too large.";
    ALREADY_EXISTS = "InvalidationBatchAlreadyExists", 400, "An invalidation batch with the same caller reference and other paths exists already.";
    TOO_MANY = "TooManyInvalidationsInProgress", 400, "Processing your request will cause you to exceed the maximum number of in-progress invalidations.";
    THROTTLING = "Throttling", 400, "Rate exceeded";
    INTERNAL = "InternalFailure", 500, "We encountered an internal error. Please try again.";
    UNAVAILABLE = "ServiceUnavailable", 503, "CloudFront is currently unavailable. Please try again.";
}

impl ErrorCode {
    const fn new(code: &'static str, status: u16, message: &'static str) -> Self {
        Self {
            code,
            status,
            message,
        }
    }

    pub(super) fn usual(self) -> Reply {
        self.with(self.message)
    }

    pub(super) fn with(self, message: &str) -> Reply {
        let code = self.code;
        let side = match self.status {
            ..500 => "Sender",
            _ => "Receiver",
        };
        let body = format!(
            "<Error><Type>{side}</Type><Code>{code}</Code><Message>{}</Message></Error>",
            partial_escape(message)
        );
        Reply {
            error: Some(format!("{code}: {message}")),
            ..xml(self.status, "ErrorResponse", &body)
        }
    }
}
