//! What to do about what a run left unfinished.

use crate::cli::Printer;
use crate::plan::{Quota, minute};
use crate::reconcile::Reconciled;

pub(super) fn running(reconciled: &Reconciled, command: &str, printer: Printer) {
    if reconciled.has_running_tasks() {
        printer.hint("tasks are still running; the next `purgit apply` resumes them");
    }
    let plan = &reconciled.plan;
    let Some((_, [first, _])) = plan.waiting() else {
        if !reconciled.has_running_tasks() {
            printer
                .hint("what was not sent stays planned; a later `purgit apply` goes on from here");
        }
        return;
    };
    let from = minute(first);
    printer.hint(&format!(
        "what waits stays planned: `purgit apply` sends it from {from} on"
    ));
    let is_kept = |quota: &Quota| quota.deferred > 0 && quota.reserve > 0;
    if command == "purge" && plan.quota.iter().any(is_kept) {
        printer.hint("`--urgent` spends what `limits.reserve` keeps for emergencies");
    }
}
