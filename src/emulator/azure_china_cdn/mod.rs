//! The classic API of Azure China CDN, written from its documents. The service stopped on 2025-12-01, so
//! **nothing here is verified against it**:
//!
//! - Documented `[D]`: paths, methods, `apiVersion`, headers, the string to sign, 202 and 200, the envelopes,
//!   status words, the eighteen error types, daily quotas, read-only and read-write keys, `X-Correlation-Id`.
//!   That URLs of a task finish one by one is `[I]`.
//! - Not documented `[?]`, so a setting of [`AzureChinaCdn`] with a guess as its default.

mod account;
mod answers;
mod api;
mod calls;
mod errors;
mod items;
mod routes;
mod settings;
mod verify;

pub use account::{
    Account, AccountEndpoint, AccountKey, DISABLED_KEY_ID, ENDPOINT_ID, INACTIVE_ENDPOINT_ID,
    KEY_ID, KEY_VALUE, Lifetime, OTHER_ENDPOINT_ID, OTHER_KEY_ID, OTHER_SUBSCRIPTION_ID,
    READ_ONLY_KEY_ID, Rights, SUBSCRIPTION_ID,
};
pub use api::KIND;
pub use errors::ErrorType;
pub use settings::{AzureChinaCdn, EmptyList, EndpointSpelling};
