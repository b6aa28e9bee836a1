//! The `Verified` condition, from proofs.

use super::conditions::{Reason, Statement};
use super::document::ConditionStatus;
use crate::entry::EntryKey;
use crate::plan::count as plural;
use crate::verify::{MAX_REPEATS, Proof, Verdict};

/// The condition for all these proofs; `None` if no edge was asked.
pub(super) fn verified<'a>(
    proofs: impl Iterator<Item = (&'a EntryKey, &'a Proof)>,
) -> Option<(ConditionStatus, Statement)> {
    let (mut total, mut stale, mut open) = (0, Vec::new(), Vec::new());
    for (key, proof) in proofs {
        match proof.verdict() {
            Some(Verdict::Fresh) => {}
            Some(Verdict::Stale) => stale.push(key),
            Some(Verdict::Unknown) => open.push(key),
            None if proof.is_due() => open.push(key),
            // Its purge is not confirmed yet.
            None => continue,
        }
        total += 1;
    }
    let said = |keys: &[&EntryKey], what: &str| {
        let first = keys
            .first()
            .map(|key| key.target.to_string())
            .unwrap_or_default();
        format!(
            "{} of {total} entries asked for {what} (first `{first}`)",
            keys.len()
        )
    };
    let (status, reason, message) = match (stale.is_empty(), open.is_empty()) {
        (true, true) if total == 0 => return None,
        (false, _) => (
            ConditionStatus::False,
            Reason::StaleAtEdge,
            said(&stale, "are stale"),
        ),
        (true, false) => (
            ConditionStatus::Unknown,
            Reason::NotProven,
            said(&open, "are not proven"),
        ),
        (true, true) => {
            let message = match total {
                1 => "1 entry asked for is fresh".to_owned(),
                _ => format!("{total} entries asked for are fresh"),
            };
            (ConditionStatus::True, Reason::ProvenFresh, message)
        }
    };
    Some((status, Statement { reason, message }))
}

/// Entries that stayed stale after repeated purges; no watch purges them again.
pub(super) fn given_up(entries: usize) -> Option<Statement> {
    let message = format!(
        "{} still stale after {} purges or more: `apply` purges again, `watch` does not",
        plural(entries, "entry"),
        MAX_REPEATS + 1
    );
    (entries > 0).then_some(Statement {
        reason: Reason::StaleAtEdge,
        message,
    })
}
