//! One look of a watch: load, arm, list, reconcile, tell.

mod conclude;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use tokio::task::block_in_place;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::super::running::Machine;
use super::told::{Told, Topic};
use crate::cli::args::DocumentFormat;
use crate::cli::project::{self, Opened};
use crate::cli::signals::Signals;
use crate::cli::{CommandError, Printer};
use crate::clock::{Clock as _, SystemClock};
use crate::desired::{Desired, desired};
use crate::diagnostic;
use crate::error::chain;
use crate::execute::Waiting;
use crate::exit::Exit;
use crate::manifest::resource::Project;
use crate::manifest::{self, Parsed};
use crate::reconcile::{Intent, Reconciler};
use crate::watch::files::{Files, WatchError};
use crate::watch::memo::Memo;
use crate::watch::territory::Territory;
use crate::watch::{After, Turn, Wake};
use crate::workspace::caches::Caches;
use crate::workspace::disk;

/// How often manifests are read again because they changed while they were read; the next event or
/// rescan takes care of the rest.
const LOAD_ATTEMPTS: usize = 3;

/// Name for the lock.
const COMMAND: &str = "watch";

/// Keeps a project's edge fresh.
pub(super) struct Keeper<'a> {
    printer: Printer,
    signals: &'a Signals,
    format: DocumentFormat,
    told: Told,
    /// Absolute and without links, as events name it.
    root: PathBuf,
    /// The last good manifests.
    opened: Opened,
    machine: Machine,
    status: Memo,
    caches: Caches,
    files: Option<Files>,
    /// What the last run left nothing to do for: the manifests' digest and what was wanted.
    settled: Option<(String, Desired)>,
    /// Whether a run got as far as it could get, so that later errors are passing ones.
    proven: bool,
}

/// What there is to see of the content.
pub(super) struct Sight {
    wanted: Desired,
    /// What a reader should know of it.
    notes: Vec<String>,
}

/// How a watch ends.
type End = Result<Exit, CommandError>;

impl<'a> Keeper<'a> {
    pub(super) fn new(
        opened: Opened,
        machine: Machine,
        printer: Printer,
        signals: &'a Signals,
        format: DocumentFormat,
    ) -> Result<Self, CommandError> {
        let root = std::fs::canonicalize(&opened.root)
            .map_err(|error| CommandError::new(format!("cannot find the project: {error}")))?;
        Ok(Self {
            printer,
            signals,
            format,
            told: Told::new(printer),
            root,
            status: Memo::new(opened.root.join(&opened.project.status_file)),
            caches: Caches::new(&opened.root),
            opened,
            machine,
            files: None,
            settled: None,
            proven: false,
        })
    }

    pub(super) fn project(&self) -> &Project {
        &self.opened.project
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Watches files from now on.
    pub(super) fn watch(&mut self, files: Files) {
        self.files = Some(files);
    }

    /// Everything there is to find out before a run.
    fn look(&mut self, sight: Option<Sight>) -> Result<Desired, CommandError> {
        let sight = match sight {
            // Manifests are read only now: of half-written ones nothing is said unless they stay so.
            Some(sight) if !self.reload()? => sight,
            Some(_) | None => {
                for _ in 0..LOAD_ATTEMPTS {
                    self.arm()?;
                    if !self.reload()? {
                        break;
                    }
                }
                self.list()?
            }
        };
        if self.told.is_new(Topic::Notes, &sight.notes.join("\n")) {
            for note in &sight.notes {
                self.printer.warning(note);
            }
        }
        Ok(sight.wanted)
    }

    /// What is there, by the manifests in force.
    fn list(&mut self) -> Result<Sight, CommandError> {
        let opened = &self.opened;
        let now = SystemClock.now();
        let (contents, notes) =
            disk::contents(&opened.project, &opened.root, &mut self.caches, now)?;
        let wanted = desired(&opened.project, &contents, now)?;
        tracing::debug!(entries = wanted.entries.len(), "listed");
        Ok(Sight { wanted, notes })
    }

    /// Watches what is there now. A limit that is met later on leaves the rest to the rescan.
    fn arm(&mut self) -> Result<(), CommandError> {
        let Some(files) = &mut self.files else {
            return Ok(());
        };
        let territory = Territory::new(&self.opened.project, &self.root);
        match files.arm(&territory) {
            Ok(()) => {
                self.told.settle(Topic::Files);
                Ok(())
            }
            Err(error) if self.proven => {
                if self.told.is_new(Topic::Files, &error.to_string()) {
                    self.printer.warning(&chain(&error));
                    self.printer.hint(&error.hint());
                }
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Takes over the manifests when they are valid and others; whether they are.
    fn reload(&mut self) -> Result<bool, CommandError> {
        let parsed = match manifest::load(&self.opened.root) {
            Ok(parsed) => parsed,
            Err(error) => {
                if !self.proven {
                    return Err(project::read(&self.opened.root)
                        .map_or_else(|error| error, |_| CommandError::from_error(&error)));
                }
                let text = chain(&error);
                if self.told.is_new(Topic::Manifests, &text) {
                    self.printer.problem(&text);
                    self.printer.hint("the last good manifests stay in force");
                }
                return Ok(false);
            }
        };
        self.tell_problems(&parsed);
        let Some(project) = parsed.project else {
            return Ok(false);
        };
        let digest = manifest::digest(&project);
        let is_new = digest != self.opened.digest;
        self.opened.project = project;
        self.opened.digest = digest;
        if is_new {
            self.machine = Machine::staying(&self.opened);
            self.status = Memo::new(self.opened.root.join(&self.opened.project.status_file));
        }
        Ok(is_new)
    }

    fn tell_problems(&self, parsed: &Parsed) {
        let broken = parsed.project.is_none();
        let text = diagnostic::human(&parsed.problems, &parsed.sources, false);
        let was_broken = self
            .told
            .said(Topic::Manifests)
            .is_some_and(|said| said.starts_with('!'));
        // The mark keeps warnings of a good project apart from the errors of a broken one.
        let mark = if broken { "!" } else { "" };
        // What was wrong at the start was said at the start.
        let is_new = self.told.is_new(Topic::Manifests, &format!("{mark}{text}"));
        if is_new && self.proven && !text.is_empty() {
            let colour = self.printer.colours_stderr();
            let problems = diagnostic::human(&parsed.problems, &parsed.sources, colour);
            self.printer.problems(&problems);
        }
        if broken && is_new {
            self.printer
                .problem("the manifests have errors; the last good ones stay in force");
        } else if was_broken && !broken {
            self.printer.note("the manifests are valid again");
        }
    }
}

impl Turn for Keeper<'_> {
    type End = End;
    type Sight = Sight;

    async fn look_ahead(&mut self) -> Option<Sight> {
        tracing::debug!("looking ahead");
        // Watched first, listed then: what changes after it was listed is told, and undoes this.
        block_in_place(|| self.arm().and_then(|()| self.list())).ok()
    }

    async fn turn(
        &mut self,
        wake: Wake,
        sight: Option<Sight>,
        hurry: &CancellationToken,
    ) -> ControlFlow<End, After> {
        let began = Instant::now();
        tracing::debug!(?wake, ahead = sight.is_some(), "looking");
        let wanted = match block_in_place(|| self.look(sight)) {
            Ok(wanted) => wanted,
            Err(error) => return self.put_off(error, Topic::Content),
        };
        self.told.settle(Topic::Content);
        let same = |(digest, before): &(String, Desired)| {
            *digest == self.opened.digest && *before == wanted
        };
        let is_settled = self.settled.as_ref().is_some_and(same);
        match wake {
            Wake::Change | Wake::Poll if is_settled => {
                tracing::debug!("nothing changed");
                return ControlFlow::Continue(After::Settled);
            }
            Wake::Start | Wake::Change | Wake::Poll | Wake::Rescan | Wake::Retry => {}
        }
        self.settled = None;
        let reconciler = Reconciler {
            waiting: Waiting {
                cancel: self.signals.cancel.clone(),
                hurry: hurry.clone(),
                ..Waiting::default()
            },
            interruption: self.signals,
            observer: &self.told,
            status: &self.status,
            ..self.machine.reconciler(&self.opened, COMMAND)
        };
        match reconciler.run(&wanted, Intent::Manifests(None)).await {
            Ok(done) => self.conclude(&done, wanted, began),
            Err(error) => self.fail(error),
        }
    }
}

impl From<WatchError> for CommandError {
    fn from(error: WatchError) -> Self {
        let hint = error.hint();
        Self::from_error(&error).hint(hint)
    }
}
