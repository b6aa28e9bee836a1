//! Cloudflare's purge API, written from its documents and from what clients saw. **Nothing here is verified
//! against the service**:
//!
//! - Documented `[D]`: paths, one kind per body, `success` and `errors`, the codes 1092, 1134 and 1136,
//!   buckets and items per plan, tags without case, prefixes without scheme and query.
//! - Observed in clients and published output `[O]`: the other codes, and their HTTP status.
//! - Unknown `[?]`: the order of the checks (token, zone, body, rate, items), a mixed list of files, several
//!   kinds in one body (both refused here), whether a prefix ends at a segment (not here, so a client that
//!   omits the last slash purges more than it meant).
//!
//! The edge behind it is the zone's production; purging an environment does not affect it.

mod api;
mod calls;
mod errors;
mod items;
mod settings;

pub use api::KIND;
pub use errors::ErrorCode;
pub use settings::{
    ACCOUNT_TOKEN, API_TOKEN, Cloudflare, ENVIRONMENT_ID, OTHER_ZONE_ID, PURGE_ONLY_TOKEN,
    READ_ONLY_TOKEN, ZONE_ID,
};
