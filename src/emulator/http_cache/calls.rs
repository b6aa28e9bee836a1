//! The requests, in the order in which the VCL checks them.

use regex::Regex;
use uuid::Uuid;

use super::{PURGE_TOKEN, error, synth};
use crate::emulator::backend::Backend;
use crate::emulator::edge::Eviction;
use crate::emulator::exchange::{ApiRequest, Reply};
use crate::emulator::operation::{ApiOperation, operations};
use crate::emulator::tasks::AcceptedItem;
use crate::entry::TargetKind;

operations! {
    PURGE = "purge", Purge;
    BAN = "ban", Purge;
    PURGE_KEYS = "purgekeys", Purge;
}

pub(super) fn operation(request: &ApiRequest) -> Option<ApiOperation> {
    let mut known = OPERATIONS.iter();
    let found = known.find(|known| known.name.to_ascii_uppercase() == request.method());
    found.copied()
}

pub(super) fn call(request: &ApiRequest, backend: &mut Backend<'_>) -> Result<Reply, Reply> {
    let operation = operation(request).ok_or_else(|| error("not-allowed", None))?;
    if request.header("x-purge-token") != Some(PURGE_TOKEN) {
        return Err(error("denied", None));
    }
    let host = request.header("host").unwrap_or_default();
    let host = host.to_ascii_lowercase();
    let missing = || error("missing-header", None);
    let (items, result) = match operation {
        PURGE => {
            let url = format!("http://{host}{}", request.target());
            let item = AcceptedItem::new(TargetKind::File, url.clone(), Eviction::url(&url));
            (vec![item], "exact;count=")
        }
        BAN => {
            let pattern = request.header("x-url").ok_or_else(missing)?;
            if Regex::new(pattern).is_err() {
                return Err(synth(400, "Regex compile error"));
            }
            let text = format!("{host} {pattern}");
            let evicts = Eviction::pattern(&host, pattern);
            (
                vec![AcceptedItem::new(TargetKind::Directory, text, evicts)],
                "ban",
            )
        }
        _ => {
            let hard = request.header("xkey-purge");
            let hard = hard.map(|keys| (keys, "tags;count="));
            let soft = || Some((request.header("xkey-softpurge")?, "soft;count="));
            let (keys, result) = hard.or_else(soft).ok_or_else(missing)?;
            let keys = keys.split([' ', ',']).filter(|key| !key.is_empty());
            let item =
                |key: &str| AcceptedItem::new(TargetKind::Tag, key.to_owned(), Eviction::tag(key));
            (keys.map(item).collect(), result)
        }
    };
    let count = match result.ends_with('=') {
        true => items.len().to_string(),
        false => String::new(),
    };
    backend.start(operation, Uuid::new_v4().to_string(), "node", items);
    Ok(synth(200, &format!("{result}{count}")))
}
