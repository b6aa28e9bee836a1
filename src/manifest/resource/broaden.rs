//! `spec.broaden` of an `Endpoint`: when directories are purged in place of files.

use crate::field::{block, field, one_of, whole};
use crate::word_enum::word_enum;

/// Most unchanged URLs that can be set: far over any site's.
const MAX_COLLATERAL: u64 = 1_000_000_000;

/// Of the endpoint's entries, in percent: what a cover may throw away unless `maxCollateral` says so.
pub const USUAL_COLLATERAL_PERCENT: usize = 10;

block! {
    /// When directories are purged in place of the files below them, and how much may be thrown away that did not change.
    #[derive(Copy, PartialEq, Eq)]
    pub struct Broaden(BroadenDraft): Default {
        /// `quota`: where the files do not fit what is left of the quota. `cheaper`: also where a directory takes less of it and throws away nothing else. `never`.
        when: When = field("when", one_of(When::WORDS)).or(When::Quota),
        /// Unchanged URLs that may be thrown away in one plan. Without it, 10 % of the endpoint's entries.
        max_collateral: Option<u64> = field("maxCollateral", whole(0..=MAX_COLLATERAL)).optional(),
        /// What is kept small of what is thrown away: its number of URLs, or its bytes.
        weigh: Weigh = field("weigh", one_of(Weigh::WORDS)).or(Weigh::Urls),
    }
}

word_enum! {
    /// When a cover is looked for.
    #[derive(Default)]
    pub enum When {
        #[default]
        /// Files do not fit what is left of the quota.
        Quota = "quota",
        Never = "never",
        /// Always, if it throws away nothing that did not change, and for a quota.
        Cheaper = "cheaper",
    }
}

word_enum! {
    /// What throwing away a URL costs.
    #[derive(Default)]
    pub enum Weigh {
        #[default]
        Urls = "urls",
        Bytes = "bytes",
    }
}
