//! The state as JSON: stable order, one entry a line, so that a diff in git reads well.
//!
//! Pure: bytes in, bytes out. What a line looks like is in `lines`, which mirrors the domain and
//! is frozen with [`STATE_VERSION`]; reading, with every reason to refuse, is in `read`.

mod lines;
mod names;
mod read;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{STATE_VERSION, State};
use crate::entry::Generation;
use lines::{EntryLine, HistoryLine, OperationHead, OperationItem};
pub use read::from_bytes;

/// The top-level field of the quota ledger. No ledger is kept yet; one that a newer purgit wrote
/// is passed through in [`State::unknown`].
const QUOTA: &str = "quota";

/// Top-level fields of this version.
const FIELDS: [&str; 8] = [
    "version",
    "serial",
    "lineage",
    "tool_version",
    "entries",
    "pending_operations",
    QUOTA,
    "history",
];

/// Bytes of one entry's line, about, to allocate once instead of doubling.
const LINE_BYTES: usize = 256;

/// The bytes of a state; equal states give equal bytes.
pub fn to_bytes(state: &State) -> Vec<u8> {
    let mut out = Vec::with_capacity((state.entries.len() + 8) * LINE_BYTES);
    out.extend_from_slice(b"{\n");
    field(&mut out, "version", &STATE_VERSION);
    field(&mut out, "serial", &state.serial);
    field(&mut out, "lineage", &state.lineage);
    field(&mut out, "tool_version", env!("CARGO_PKG_VERSION"));

    open_field(&mut out, "entries");
    block(&mut out, "  ", &state.entries, |out, (key, observed)| {
        json(out, &EntryLine::new(key, observed));
    });
    out.extend_from_slice(b",\n");

    open_field(&mut out, "pending_operations");
    block(
        &mut out,
        "  ",
        &state.pending_operations,
        |out, operation| {
            json(out, &OperationHead::new(operation));
            // The head is an object of its own; its entries go into it, a line each.
            out.pop();
            out.extend_from_slice(b",\"entries\":");
            block(out, "    ", &operation.entries, |out, (key, generation)| {
                json(
                    out,
                    &OperationItem::new(key, generation.as_ref(), &operation.endpoint),
                );
            });
            out.push(b'}');
        },
    );
    out.extend_from_slice(b",\n");

    open_field(&mut out, QUOTA);
    match state.unknown.get(QUOTA) {
        Some(ledger) => json(&mut out, ledger),
        None => out.extend_from_slice(b"[]"),
    }
    out.extend_from_slice(b",\n");

    open_field(&mut out, "history");
    block(&mut out, "  ", &state.history, |out, record| {
        json(out, &HistoryLine::new(record));
    });
    let unknown = state.unknown.iter();
    for (name, value) in unknown.filter(|(name, _)| !FIELDS.contains(&name.as_str())) {
        out.extend_from_slice(b",\n");
        open_field(&mut out, name);
        json(&mut out, value);
    }
    out.extend_from_slice(b"\n}\n");
    out
}

/// `sha256:` and 64 hexadecimal digits over what a plan is made from: entries and pending
/// operations, without times and messages.
pub fn digest(state: &State) -> String {
    let mut hash = Sha256::new();
    let mut text = |part: Option<&str>| match part {
        // The length in front keeps neighbours apart.
        Some(part) => {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            hash.update(part);
        }
        None => hash.update(u64::MAX.to_le_bytes()),
    };
    // One buffer for all addresses: there may be a million.
    let mut address = String::new();
    for (key, observed) in &state.entries {
        address.clear();
        key.push_address(&mut address);
        text(Some(&address));
        text(Some(key.target.as_str()));
        text(Some(&key.endpoint));
        text(observed.generation.as_ref().map(Generation::as_str));
        let attempt = observed.attempt.as_ref();
        text(attempt.map(|attempt| attempt.outcome.as_str()));
        text(attempt.and_then(|attempt| attempt.generation.as_ref().map(Generation::as_str)));
    }
    for operation in &state.pending_operations {
        text(Some("pending"));
        text(Some(&operation.id));
        text(Some(&operation.endpoint));
        text(operation.task.as_ref().map(|task| task.id.as_str()));
        for (key, generation) in &operation.entries {
            text(Some(&key.address()));
            text(Some(key.target.as_str()));
            text(Some(&key.endpoint));
            text(generation.as_ref().map(Generation::as_str));
        }
    }
    format!("sha256:{}", hex::encode(hash.finalize()))
}

fn open_field(out: &mut Vec<u8>, name: &str) {
    json(out, name);
    out.extend_from_slice(b": ");
}

fn field(out: &mut Vec<u8>, name: &str, value: &(impl Serialize + ?Sized)) {
    open_field(out, name);
    json(out, value);
    out.extend_from_slice(b",\n");
}

/// An array with one line an item, or `[]`.
fn block<T>(
    out: &mut Vec<u8>,
    indent: &str,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut Vec<u8>, T),
) {
    out.push(b'[');
    let mut empty = true;
    for item in items {
        out.extend_from_slice(if empty { b"\n" } else { b",\n" });
        out.extend_from_slice(indent.as_bytes());
        write(out, item);
        empty = false;
    }
    if !empty {
        out.push(b'\n');
        out.extend_from_slice(&indent.as_bytes()[2..]);
    }
    out.push(b']');
}

fn json(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    // Writing to memory cannot fail, and no mirror has a map whose keys are not text.
    let _ = serde_json::to_writer(out, value);
}
