//! `purgit state unlock`

use super::declined;
use crate::cli::args::Unlock;
use crate::cli::commands::running;
use crate::cli::{CommandError, Printer, project, sides};
use crate::exit::Exit;
use crate::state::{Held, Holder};

pub(super) fn run(arguments: &Unlock, printer: Printer) -> Result<Exit, CommandError> {
    let opened = project::open(printer)?;
    let store = sides::views(&opened)?.store().clone();
    let Some(held) = store.held()? else {
        printer.line("The state is not locked; nothing to do");
        return Ok(Exit::Done);
    };
    let Held { holder, epoch, .. } = &held;
    if *epoch != arguments.id {
        let message = format!(
            "the lock is {epoch}, not {}: held by {holder}",
            arguments.id
        );
        let hint = format!("`purgit state unlock {epoch}` removes it");
        return Err(CommandError::new(message).hint(hint));
    }
    if is_running(&held, &running::holder("state unlock")) && !arguments.force {
        let message = format!("the process that holds the lock is still running: {holder}");
        let hint = "wait until it ends, or stop it; `--force` removes the lock anyway";
        return Err(CommandError::new(message).hint(hint).exit(Exit::Locked));
    }
    let question = format!("Take the lock {epoch} away from {holder}? It must not run any more.");
    if let Some(declined) = declined(arguments.auto_approve, &question, printer) {
        return declined;
    }
    match store.break_lease(*epoch)? {
        true => printer.line(&format!("Unlocked; it was held by {holder}")),
        false => printer.line("The lock was released in the meantime; nothing to do"),
    }
    Ok(Exit::Done)
}

/// Whether a running process certainly holds the lock: a kernel lock ends with its process.
fn is_running(held: &Held, here: &Holder) -> bool {
    held.left.is_none() || held.holder.host == here.host && is_alive(held.holder.pid)
}

#[cfg(unix)]
fn is_alive(pid: u32) -> bool {
    use rustix::process::{Pid, test_kill_process};
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| match test_kill_process(pid) {
        Ok(()) => true,
        Err(error) => error == rustix::io::Errno::PERM,
    })
}

/// Cannot be checked on this platform; the user confirms instead.
#[cfg(not(unix))]
fn is_alive(_: u32) -> bool {
    false
}
