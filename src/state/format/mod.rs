//! The state as JSON: stable order, one line per entry, so that a diff in git reads well.
//!
//! Pure: bytes in, bytes out. `lines` has what a line looks like, frozen with [`STATE_VERSION`];
//! `read` has every reason to refuse a state.

mod digest;
mod ledger;
mod lines;
mod names;
mod proving;
mod read;
mod records;
mod splice;

use serde::Serialize;

use super::{Observed, STATE_VERSION, State};
use crate::entry::EntryKey;
pub use digest::{Digest, digest};
use ledger::{LedgerLine, ToldLine};
use lines::{DueLine, EntryLine, HistoryLine, Item, OperationBlock};
use proving::ProofLine;
pub(super) use proving::proofs;
pub use read::from_bytes;
pub(super) use records::{adopted, aims, ended, intent, keys, run};
pub(super) use splice::{Unspliced, splice};

const FIELDS: [&str; 12] = [
    "version",
    "serial",
    "lineage",
    "tool_version",
    "last_applied",
    "entries",
    "due",
    "pending_operations",
    "proofs",
    "ledger",
    "told",
    "history",
];

/// Typical bytes per entry line, to allocate once.
const LINE_BYTES: usize = 256;

/// The bytes of a state; equal states give equal bytes.
pub fn to_bytes(state: &State) -> Vec<u8> {
    let mut out = Vec::with_capacity((state.entries.len() + 8) * LINE_BYTES);
    write_head(&mut out, state);
    open_field(&mut out, "entries");
    block(&mut out, "  ", &state.entries, |out, (key, observed)| {
        json(out, &EntryLine::new(key, observed));
    });
    out.extend_from_slice(b",\n");
    write_tail(&mut out, state);
    out
}

fn write_entry(out: &mut Vec<u8>, key: &EntryKey, observed: &Observed) {
    out.extend_from_slice(b"  ");
    json(out, &EntryLine::new(key, observed));
}

fn write_head(out: &mut Vec<u8>, state: &State) {
    out.extend_from_slice(b"{\n");
    field(out, "version", &STATE_VERSION);
    field(out, "serial", &state.serial);
    field(out, "lineage", &state.lineage);
    field(out, "tool_version", env!("CARGO_PKG_VERSION"));
    field(out, "last_applied", &state.last_applied);
}

fn write_tail(out: &mut Vec<u8>, state: &State) {
    open_field(out, "due");
    block(out, "  ", &state.due, |out, (key, due)| {
        json(out, &DueLine::new(key, due));
    });
    out.extend_from_slice(b",\n");

    open_field(out, "pending_operations");
    block(out, "  ", &state.pending_operations, |out, operation| {
        json(out, &OperationBlock::head(operation));
        // The head is a complete object. Reopen it to add the entries, one per line.
        out.pop();
        out.extend_from_slice(b",\"entries\":");
        block(out, "    ", &operation.entries, |out, (key, generation)| {
            json(out, &Item::of(operation, key, generation.as_ref()));
        });
        out.push(b'}');
    });
    out.extend_from_slice(b",\n");

    if !state.proofs.is_empty() {
        open_field(out, "proofs");
        block(out, "  ", &state.proofs, |out, (key, proof)| {
            json(out, &ProofLine::new(key, proof));
        });
        out.extend_from_slice(b",\n");
    }

    open_field(out, "ledger");
    block(out, "  ", &state.ledger, |out, (key, amount)| {
        json(out, &LedgerLine::new(key, *amount));
    });
    out.extend_from_slice(b",\n");

    if !state.told.is_empty() {
        open_field(out, "told");
        block(out, "  ", &state.told, |out, ((scope, counts), told)| {
            json(out, &ToldLine::new(scope, counts, *told));
        });
        out.extend_from_slice(b",\n");
    }

    open_field(out, "history");
    block(out, "  ", &state.history, |out, record| {
        json(out, &HistoryLine::new(record));
    });
    let unknown = state.unknown.iter();
    for (name, value) in unknown.filter(|(name, _)| !FIELDS.contains(&name.as_str())) {
        out.extend_from_slice(b",\n");
        open_field(out, name);
        json(out, value);
    }
    out.extend_from_slice(b"\n}\n");
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

/// An array with one line per item, or `[]`.
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
    // Writing to memory cannot fail, and every map of these types has text keys.
    let _ = serde_json::to_writer(out, value);
}
