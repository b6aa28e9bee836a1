//! `spec.broaden` of an `Endpoint`: when directories are purged in place of files.

use crate::field::{block, field, one_of, whole};
use crate::word_enum::word_enum;

/// Largest `maxCollateral`: far above any site's number of URLs.
const MAX_COLLATERAL: u64 = 1_000_000_000;

/// Default of `maxCollateral`, in percent of the endpoint's entries.
pub const USUAL_COLLATERAL_PERCENT: usize = 10;

block! {
    /// When directories are purged instead of the files below them, and how many unchanged URLs may be purged along.
    #[derive(Copy, PartialEq, Eq)]
    pub struct Broaden(BroadenDraft): Default {
        /// `quota`: if the files do not fit into the rest of the quota. `cheaper`: also if a directory uses less quota and purges nothing unchanged. `never`.
        when: When = field("when", one_of(When::WORDS)).or(When::Quota),
        /// Most unchanged URLs that one plan may purge along. Default: 10 % of the endpoint's entries.
        max_collateral: Option<u64> = field("maxCollateral", whole(0..=MAX_COLLATERAL)).optional(),
        /// What to minimise among the unchanged URLs that are purged along: their number, or their
        /// bytes.
        weigh: Weigh = field("weigh", one_of(Weigh::WORDS)).or(Weigh::Urls),
    }
}

word_enum! {
    /// When to look for a cover.
    #[derive(Default)]
    pub enum When {
        #[default]
        /// If the files do not fit into the rest of the quota.
        Quota = "quota",
        Never = "never",
        /// Always if it purges nothing unchanged, and otherwise for a quota.
        Cheaper = "cheaper",
    }
}

word_enum! {
    /// The cost of purging an unchanged URL along.
    #[derive(Default)]
    pub enum Weigh {
        #[default]
        Urls = "urls",
        Bytes = "bytes",
    }
}
