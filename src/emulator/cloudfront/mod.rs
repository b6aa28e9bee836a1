//! Amazon CloudFront's invalidations, with the distribution they are of. **Nothing here is verified against the
//! service**:
//!
//! - Documented `[D]`: calls, bodies, statuses, rules for paths and tags, 3,000 paths and 15 wildcards in progress,
//!   caller references, the two status words, the order of lists.
//! - Observed in the vendor's clients and in published output `[O]`: headers, the error envelope, most texts, the
//!   clock's 5 min, one call in two seconds, `~`, `%7E` and `%2A`.
//! - Nobody says `[?]`: from where on a batch is too large for itself, the status of
//!   `InvalidationBatchAlreadyExists` (400 here), whether the order of paths makes another batch (it does here),
//!   whether tags count as paths (they do here), how many invalidations a list has at most (100 here).
//!
//! A purge that a fault lets fail stays in progress: the API has no word for it.

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
