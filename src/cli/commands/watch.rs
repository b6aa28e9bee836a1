//! `purgit watch`: `apply` whenever something changed.

mod announcer;
mod keeper;

use std::time::Duration;

use super::running::Machine;
use crate::cli::args::Watch;
use crate::cli::signals::Signals;
use crate::cli::{CommandError, Printer, project, sides};
use crate::credential::source::resolve_all;
use crate::exit::Exit;
use crate::reconcile::Interruption as _;
use crate::watch::files::Files;
use crate::watch::scope::WatchScope;
use crate::watch::{self, NoChanges, Pace};
use keeper::Keeper;

/// Shortest time between two looks: less would be a busy loop.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

pub(super) fn run(arguments: &Watch, printer: Printer) -> Result<Exit, CommandError> {
    let pace = pace(arguments)?;
    let opened = project::open(printer)?;
    let machine = Machine::new(&opened, sides::views(&opened)?)?;
    super::runtime()?.block_on(async {
        let signals = Signals::listen(printer);
        let cancel = signals.cancel.clone();
        // A service without its key should fail when it starts, not when the key is needed.
        let endpoints = opened.project.endpoints.iter();
        let references = endpoints.map(|(name, endpoint)| (name.clone(), endpoint.credentials()));
        let resolved = resolve_all(&machine.credentials, references);
        match cancel.run_until_cancelled(resolved).await {
            Some(resolved) => resolved?,
            None => return Ok(signals.exit()),
        };
        let mut keeper = Keeper::new(opened, machine, printer, &signals, arguments.format)?;
        let end = if pace.poll.is_some() {
            watch::run(&mut keeper, &mut NoChanges, pace, &cancel, chance).await
        } else {
            let scope = WatchScope::new(keeper.project(), keeper.root());
            let (files, mut changes) = Files::new(scope)?;
            keeper.watch(files);
            watch::run(&mut keeper, &mut changes, pace, &cancel, chance).await
        };
        end.unwrap_or_else(|| Ok(signals.exit()))
    })
}

fn pace(arguments: &Watch) -> Result<Pace, CommandError> {
    let named = [
        ("--rescan", Some(arguments.rescan)),
        ("--poll", arguments.poll),
    ];
    for (option, pause) in named {
        if pause.is_some_and(|pause| pause < SHORTEST_PAUSE) {
            let least = humantime::format_duration(SHORTEST_PAUSE);
            let message = format!("`{option}` is too short, at least `{least}`");
            return Err(CommandError::new(message).exit(Exit::Usage));
        }
    }
    Ok(Pace {
        debounce: arguments.debounce,
        rescan: arguments.rescan,
        poll: arguments.poll,
    })
}

/// A random number from 0 to 1.
fn chance() -> f64 {
    let [byte, ..] = uuid::Uuid::new_v4().into_bytes();
    f64::from(byte) / f64::from(u8::MAX)
}
