//! Azure China CDN (21Vianet), classic REST API.

pub mod config;
pub mod signing;

use crate::manifest::resource::{DayStart, Limits};
use crate::provider::ProviderKind;

/// Registration of this CDN.
pub static KIND: ProviderKind = ProviderKind {
    name: "azure-china-cdn",
    field: "azureChinaCdn",
    read: |_| None,
    schema: || serde_json::Value::Null,
    default_limits,
};

fn default_limits() -> Limits {
    Limits {
        files_per_day: 2000,
        directories_per_day: 500,
        day_starts_at: DayStart::default(),
        items_per_request: 100,
        requests_per_second: 20.0,
        concurrent_requests: 4,
    }
}
