//! Fastly's purge API, written from its documents and from what clients saw. **Nothing here is verified against
//! the service**:
//!
//! - Documented `[D]`: the calls, one URL or 256 keys per request, the map of keys to ids, the scopes of tokens,
//!   1,000 writes an hour, the lengths of URLs and keys.
//! - Observed in clients and published output `[O]`: bodies and statuses of the errors, the forms of ids, rate
//!   limit headers, 100,000 purges an hour, answers to batches without a content type.
//! - Unknown `[?]`: the order of the checks (token, route, scope, service, item, rate), a batch with keys in both
//!   places or in none (refused here), the status of a key that is too long (400 here).
//!
//! The edge behind it keeps nothing stale: a soft purge removes the same as a hard one. It has no shield. A purge
//! by the method `PURGE` at the edge is not emulated.

mod api;
mod calls;
mod errors;
mod items;
mod settings;

pub use api::KIND;
pub use errors::ErrorCode;
pub use settings::{
    API_TOKEN, Fastly, OTHER_SERVICE_TOKEN, READ_ONLY_TOKEN, SELECT_TOKEN, SERVICE_ID,
};
