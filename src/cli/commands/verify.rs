//! `purgit verify`

use super::running::Machine;
use crate::cli::args::{DocumentFormat, LOCK_TIMEOUT, Verify};
use crate::cli::sides::{self, Listed};
use crate::cli::signals::Signals;
use crate::cli::{CommandError, Printer, project};
use crate::entry::EntryKey;
use crate::execute::Waiting;
use crate::exit::Exit;
use crate::output::verify as page;
use crate::plan::select::Selection;
use crate::reconcile::{Interruption as _, Reconciler};
use crate::verify::{Evidence, Verdict};

pub(super) fn run(arguments: &Verify, printer: Printer) -> Result<Exit, CommandError> {
    let selection = Selection::new(&arguments.addresses, &[])?;
    let Listed {
        opened,
        views,
        sides,
    } = sides::on_disk(project::open(printer)?, printer)?;
    let machine = Machine::new(&opened, views)?;
    let verifying = async {
        let signals = Signals::listen(printer);
        let reconciler = Reconciler {
            selection,
            lock_timeout: LOCK_TIMEOUT,
            waiting: Waiting {
                cancel: signals.cancel.clone(),
                ..Waiting::default()
            },
            ..machine.reconciler(&opened, "verify")
        };
        let verified = reconciler.verify(&sides).await?;
        let interrupted = signals.cancel.is_cancelled().then(|| signals.exit());
        Ok::<_, CommandError>((verified, interrupted))
    };
    let (verified, interrupted) = super::runtime()?.block_on(verifying)?;
    match arguments.format {
        DocumentFormat::Text => printer.page(&page::text(&verified, printer.layout(arguments.all))),
        DocumentFormat::Json => printer.json(&page::document(&verified)),
    }
    let summary = page::Summary::of(&verified);
    if summary.asked.stale > 0 {
        printer.hint("`purgit apply` purges again what is stale");
    }
    let is_compared = |key: &EntryKey| {
        let endpoint = opened.project.endpoints.get(&key.endpoint);
        let origin = endpoint.and_then(|endpoint| endpoint.origin.as_ref());
        origin.is_some_and(|origin| origin.expect.tells_release())
    };
    let is_changed = |(key, evidence): &(EntryKey, Evidence)| {
        evidence.verdict == Verdict::Unknown && evidence.status == Some(200) && !is_compared(key)
    };
    if verified.entries.iter().any(is_changed) {
        printer.hint("where pages are made or changed on their way, let `origin.expect` name a header or a file of the release: then they are compared with what the origin answers");
    }
    if verified.entries.is_empty() && summary.planned > 0 {
        printer.hint("`purgit apply` purges what is not purged yet, `purgit state baseline` records it as purged");
    }
    Ok(match interrupted {
        Some(exit) => exit,
        None if verified.is_lacking => Exit::Failed,
        None => Exit::Done,
    })
}
