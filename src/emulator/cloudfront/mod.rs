//! Amazon CloudFront's invalidations and their distribution. **Nothing here is verified against the service**:
//!
//! - Documented `[D]`: calls, bodies, statuses, rules for paths and tags, 3,000 paths and 15 wildcards in progress,
//!   caller references, the two status words, the order of lists.
//! - Observed in the vendor's clients and in published output `[O]`: headers, the error envelope, most messages,
//!   the clock window of 5 min, one call per two seconds, `~`, `%7E` and `%2A`.
//! - Unknown `[?]`: the size from which a batch is too large by itself, the status of
//!   `InvalidationBatchAlreadyExists` (400 here), whether a different order of paths is a different batch (yes
//!   here), whether tags count as paths (yes here), the length of a list page (100 here).
//!
//! A purge that a fault makes fail stays in progress: the API has no word for failure.

mod api;
mod calls;
mod documents;
mod errors;
mod items;
mod settings;
mod verify;

pub use api::KIND;
pub use errors::ErrorCode;
pub use settings::{
    ACCESS_KEY_ID, AccessKey, Cloudfront, DISTRIBUTION_ID, READ_ONLY_KEY_ID, SECRET_ACCESS_KEY,
    SESSION_KEY_ID, SESSION_TOKEN,
};
