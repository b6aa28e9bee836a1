//! Azure Front Door in Azure Resource Manager, with its token services: the login service, a machine's
//! metadata service and GitHub's. **Nothing here is verified against the service**:
//!
//! - Documented `[D]`: paths, bodies, 100 paths per request, long-running operations, which status words end
//!   them, the error envelope, throttling by buckets.
//! - Observed in the vendor's clients and recordings `[O]`: headers of the answers, the signed polling URLs,
//!   `error` with the code `None` beside a success, the bodies of the token services.
//! - Unknown `[?]`: the code for a host that is not the endpoint's and for a bad path (`BadRequest` here), the
//!   answer to an unknown operation (404), how long one can be polled.
//!
//! Paths are compared without case and without queries `[D]`. Without `domains`, only the endpoint's own host
//! is purged `[D]`.

mod api;
mod calls;
mod errors;
mod items;
mod routes;
mod settings;
mod tokens;

pub use api::KIND;
pub use errors::ErrorCode;
pub use settings::{
    AzureFrontDoor, CLIENT_ID, CLIENT_SECRET, ENDPOINT, FEDERATED_TOKEN, GITHUB_TOKEN, PROFILE,
    RESOURCE_GROUP, SUBSCRIPTION_ID, TENANT_ID,
};
