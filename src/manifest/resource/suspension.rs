//! `suspend`, `suspendReason` and `suspendUntil`, which every kind with entries has.

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::field::{Block, Fields, Found, Member, block, boolean, field, group, instant, text};
use crate::yaml::problem::Problem;

block! {
    /// Why and how long a manifest is suspended.
    #[derive(PartialEq, Eq, Default)]
    pub struct Suspension(SuspensionDraft) {
        /// Why it is suspended, for people.
        reason: Option<String> = field("suspendReason", text()).optional().undigested(),
        /// When the suspension ends by itself: a date, or an RFC 3339 time.
        until: Option<DateTime<Utc>> = field("suspendUntil", instant()).optional(),
    }
}

impl Suspension {
    /// Whether the manifest is still suspended at `now`.
    pub fn holds_at(&self, now: DateTime<Utc>) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// The suspension, if `suspend` is true.
pub(super) fn suspension() -> Member<Option<Suspension>> {
    let flag = || field("suspend", boolean()).or(false);
    let rows = move || {
        let mut rows = flag().rows("While true, the targets are neither purged nor forgotten.");
        rows.extend(Suspension::rows());
        rows
    };
    group(rows, find, |suspension, show| {
        if let Some(suspension) = suspension {
            show("suspend", json!(true));
            suspension.show(show);
        }
    })
    .or(None)
}

fn find(fields: &mut Fields<'_>) -> Option<Found<Option<Suspension>>> {
    let flag = fields.optional("suspend");
    let suspended = flag.and_then(|flag| boolean().read(flag));
    let draft = Suspension::draft(fields);
    if let Some(suspended) = suspended.clone().filter(|found| found.value) {
        return Some(suspended.map(|_| Suspension::whole(draft)));
    }
    // If the flag is unreadable, the other fields may have an effect.
    if flag.is_none() || suspended.is_some() {
        let reason = draft.reason.map(|found| ("suspendReason", found.span));
        let until = draft.until.map(|found| ("suspendUntil", found.span));
        for (name, span) in [reason, until].into_iter().flatten() {
            let message = format!("`{name}` has no effect without `suspend: true`");
            fields.problems().push(Problem::warning(span, message));
        }
    }
    None
}
