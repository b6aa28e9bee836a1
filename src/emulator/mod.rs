//! A strict local CDN over real HTTP, with a small caching edge; a library for tests and a command.
//!
//! An emulated API shares no code with the client except for how requests are signed, so that both do not
//! share a misunderstanding.
//!
//! A request goes `wire` → `server` → `service`, which applies faults and keeps the journal → the [`Api`],
//! which checks it and answers with the help of its [`Backend`]: `budgets`, and `tasks` that run over time. A
//! purge that succeeds goes on to the `edge`. None of these knows a CDN. How to add one is in
//! `docs/adding-a-cdn.md`.

mod api;
pub mod azure_china_cdn;
pub mod azure_front_door;
mod backend;
mod budgets;
pub mod cloudflare;
pub mod cloudfront;
mod edge;
mod error_codes;
mod exchange;
pub mod fastly;
mod fault_text;
mod faults;
pub mod http_cache;
mod journal;
mod operation;
mod running;
mod server;
mod service;
mod settings;
mod tasks;
mod wire;

pub use api::{Api, ApiKind, ApiOptions};
pub use backend::Backend;
pub use budgets::{Bucket, Budgets, DayUse};
pub use edge::{
    Behaviour, EdgeSettings, Eviction, MAX_CACHE_BYTES, MAX_OBJECT_BYTES, Matching, Origin,
    OriginError,
};
pub use exchange::{ApiRequest, Reply, Trouble};
pub use faults::{Fault, FaultError};
pub use journal::RequestRecord;
pub use operation::{ApiOperation, Role};
pub use running::{Emulator, EmulatorError, Running};
pub use server::MAX_REQUEST_BYTES;
pub use settings::Settings;
pub use tasks::{AcceptedItem, AcceptedTask, Stage, Tasks};

/// Every emulated API; the first is the default.
pub const REGISTRY: &[&ApiKind] = &[
    &azure_china_cdn::KIND,
    &azure_front_door::KIND,
    &cloudflare::KIND,
    &cloudfront::KIND,
    &fastly::KIND,
    &http_cache::KIND,
];

/// The syntax of faults and each API's operations, for `purgit emulator --help`.
pub fn help() -> String {
    let mut help = fault_text::HELP.to_owned();
    for kind in REGISTRY {
        let operations = kind.operations.iter().map(|operation| operation.name);
        let operations = operations.collect::<Vec<_>>().join(", ");
        let ApiKind { name, defaults, .. } = kind;
        help.push_str(&format!("\nOPERATION of {name}: {operations}"));
        if !defaults.is_empty() {
            help.push_str(&format!("\nDefaults of {name}: {defaults}"));
        }
    }
    help
}
