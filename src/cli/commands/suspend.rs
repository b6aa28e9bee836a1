//! `purgit suspend` and `purgit resume`

use std::io;
use std::path::Path;

use crate::cli::args::{Resume, Suspend};
use crate::cli::{CommandError, Printer, project};
use crate::clock::{Clock as _, SystemClock};
use crate::exit::Exit;
use crate::manifest::resource::Suspension;
use crate::manifest::suspending::{self, Change, Edited, SuspendError, moment};
use crate::state::replace;

/// A byte order mark, which some editors write.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

pub(super) fn suspend(arguments: Suspend, printer: Printer) -> Result<Exit, CommandError> {
    let now = SystemClock.now();
    let until = arguments.until.map(|until| {
        let at = until.after(now).filter(|at| *at > now);
        at.ok_or_else(|| {
            let error = CommandError::new("`--until` is not in the future").exit(Exit::Usage);
            error.hint("`purgit resume` ends a suspension")
        })
    });
    let given = Suspension {
        reason: arguments.reason,
        until: until.transpose()?,
    };
    let (address, edited) = edit(&arguments.address, &Change::Suspend(given), printer)?;
    let suspension = edited.suspension.unwrap_or_default();
    let until = suspension
        .until
        .map(|until| format!(" until {}", moment(until)));
    let reason = suspension.reason.map(|reason| format!(": {reason}"));
    let [until, reason] = [until, reason].map(Option::unwrap_or_default);
    if edited.text.is_none() {
        printer.line(&format!("{address} is suspended already{until}{reason}"));
        return Ok(Exit::Done);
    }
    printer.line(&format!(
        "Suspended {address} in {}{until}{reason}",
        edited.path
    ));
    printer.advice("its entries are neither purged nor forgotten until `purgit resume`");
    Ok(Exit::Done)
}

pub(super) fn resume(arguments: &Resume, printer: Printer) -> Result<Exit, CommandError> {
    let (address, edited) = edit(&arguments.address, &Change::Resume, printer)?;
    if edited.text.is_none() {
        printer.line(&format!("{address} is not suspended; nothing to do"));
        return Ok(Exit::Done);
    }
    printer.line(&format!("Resumed {address} in {}", edited.path));
    printer.advice("`purgit plan` shows what will be purged");
    Ok(Exit::Done)
}

/// Changes the manifest's suspension; returns its address.
fn edit(
    address: &str,
    change: &Change,
    printer: Printer,
) -> Result<(String, Edited), CommandError> {
    let root = project::find_root()?;
    let parsed = project::read(&root)?;
    printer.problems(&root, &parsed.problems, &parsed.sources);
    let Some(project) = &parsed.project else {
        return Err(project::invalid(&parsed));
    };
    let owner = suspending::manifest_of(address, project)?;
    let edited = suspending::change(&parsed.sources, &owner, change, SystemClock.now())?;
    let old = parsed.sources.get(&edited.path);
    if let (Some(new), Some(old)) = (&edited.text, old) {
        let path = root.join(&*edited.path);
        write(&path, old.text(), new).map_err(|error| {
            CommandError::new(format!("cannot write `{}`: {error}", path.display()))
        })?;
    }
    Ok((owner.address(), edited))
}

/// Replaces the text of a file if it is still the old text. Follows links.
fn write(path: &Path, old: &str, new: &str) -> io::Result<()> {
    let file = replace::target(path)?;
    let current = std::fs::read(&file)?;
    let mark = match current.starts_with(BYTE_ORDER_MARK) {
        true => BYTE_ORDER_MARK,
        false => &[],
    };
    let changed = || io::Error::other("it was changed meanwhile");
    if current[mark.len()..] != *old.as_bytes() {
        return Err(changed());
    }
    replace::replace(&file, &[mark, new.as_bytes()].concat(), || {
        match std::fs::read(&file)? == current {
            true => Ok(()),
            false => Err(changed()),
        }
    })
}

impl From<SuspendError> for CommandError {
    fn from(error: SuspendError) -> Self {
        Self::from_error(&error).hint(error.hint())
    }
}
