//! One look of a watch: load, arm, list, reconcile, report.

mod conclude;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::task::block_in_place;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::super::running::Machine;
use super::announcer::{Announcer, Topic};
use crate::cli::args::DocumentFormat;
use crate::cli::project::{self, Opened};
use crate::cli::signals::Signals;
use crate::cli::{CommandError, Printer, sides};
use crate::clock::{Clock as _, SystemClock};
use crate::content::slashed;
use crate::desired::suspended;
use crate::diagnostic;
use crate::entry::{EntryKey, Owner};
use crate::error::chain;
use crate::execute::Waiting;
use crate::exit::Exit;
use crate::manifest::resource::Project;
use crate::manifest::{self, Parsed};
use crate::reconcile::{Intent, Reconciler};
use crate::watch::files::{Files, WatchError};
use crate::watch::returned::returned;
use crate::watch::scope::WatchScope;
use crate::watch::{After, Turn, Wake};
use crate::workspace::caches::Caches;
use crate::workspace::sides::Sides;

/// Attempts to read manifests that change meanwhile. The next event or rescan does the rest.
const LOAD_ATTEMPTS: usize = 3;

/// Shortest wait for a quota window to turn: a small clock difference must not cause a busy loop.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

const COMMAND: &str = "watch";

pub(super) struct Keeper<'a> {
    printer: Printer,
    signals: &'a Signals,
    format: DocumentFormat,
    announcer: Announcer,
    /// Absolute and without links, as events report it.
    root: PathBuf,
    /// The last valid manifests.
    opened: Opened,
    machine: Machine,
    caches: Caches,
    files: Option<Files>,
    /// Paths that were moved away and came back since the last run.
    returned: BTreeSet<PathBuf>,
    /// The files at the last run that left nothing to do.
    settled: Option<Settled>,
    /// Whether a run has succeeded, so that later errors count as temporary.
    proven: bool,
}

/// The state of the files at one moment, under the current manifests.
pub(super) struct Settled {
    /// Suspensions end with time.
    suspended: Vec<Owner>,
    sides: Sides,
    /// When the quota window turns that some entry waits for.
    waits_until: Option<DateTime<Utc>>,
}

impl Settled {
    fn is_same(&self, other: &Self) -> bool {
        self.suspended == other.suspended && self.sides.is_same_content(&other.sides)
    }

    fn is_over(&self, now: DateTime<Utc>) -> bool {
        self.waits_until.is_some_and(|until| until <= now)
    }

    fn after(&self, now: DateTime<Utc>) -> After {
        let Some(until) = self.waits_until else {
            return After::Settled;
        };
        let pause = (until - now).to_std().unwrap_or_default();
        After::Waits(pause.max(SHORTEST_WAIT))
    }
}

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
            announcer: Announcer::new(printer),
            root,
            caches: Caches::new(&opened.root),
            opened,
            machine,
            files: None,
            returned: BTreeSet::new(),
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

    pub(super) fn watch(&mut self, files: Files) {
        self.files = Some(files);
    }

    /// Collects everything that a run needs.
    fn look(&mut self, snapshot: Option<Sides>) -> Result<Sides, CommandError> {
        let snapshot = match snapshot {
            // Read manifests only now: half-written ones are reported only if they stay that way.
            Some(snapshot) if !self.reload()? => snapshot,
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
        if self
            .announcer
            .is_new(Topic::Notes, &snapshot.notes.join("\n"))
        {
            for note in &snapshot.notes {
                self.printer.warning(note);
            }
        }
        Ok(snapshot)
    }

    fn list(&mut self) -> Result<Sides, CommandError> {
        self.distrust_written();
        let Opened { project, root, .. } = &self.opened;
        let now = SystemClock.now();
        let sides = Sides::on_disk(project, root, &mut self.caches, now)?;
        tracing::debug!("listed");
        Ok(sides)
    }

    /// Entries to purge again because their files came back.
    fn again(&self, sides: &Sides) -> Vec<EntryKey> {
        let returned = returned(
            &self.opened.project,
            &self.root,
            sides.contents(),
            &self.returned,
        );
        for site in returned.too_many {
            let text = format!(
                "files of site `{site}` were moved away and came back unchanged; there are too many to purge again"
            );
            if self.announcer.is_new(Topic::Returned, &text) {
                self.printer.note(&text);
                self.printer
                    .hint("`purgit purge` removes what the edge may have fetched in the meantime");
            }
        }
        returned.again
    }

    /// Makes the next listing read written files again: their mtimes may be unchanged.
    fn distrust_written(&mut self) {
        let Some(files) = &self.files else { return };
        for path in files.take_written() {
            for site in &self.opened.project.sites {
                if let Ok(below) = path.strip_prefix(self.root.join(&site.content.root)) {
                    self.caches.of(&site.name).distrust(slashed(below));
                }
            }
        }
    }

    fn settle_content(&self) {
        if self.announcer.settle(Topic::Content) {
            self.printer.note("the content can be listed again");
        }
    }

    /// Watches the current files. If a limit is reached later, rescans replace events.
    fn arm(&mut self) -> Result<(), CommandError> {
        let Some(files) = &mut self.files else {
            return Ok(());
        };
        let scope = WatchScope::new(&self.opened.project, &self.root);
        let armed = files.arm(&scope);
        self.returned.extend(files.take_returned());
        match armed {
            Ok(()) => {
                self.announcer.settle(Topic::Files);
                Ok(())
            }
            Err(error) if self.proven => {
                if self.announcer.is_new(Topic::Files, &error.to_string()) {
                    self.printer.warning(&chain(&error));
                    self.printer.hint(&error.hint());
                }
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Takes over the manifests if they are valid; returns whether they changed.
    fn reload(&mut self) -> Result<bool, CommandError> {
        let parsed = match manifest::load(&self.opened.root) {
            Ok(parsed) => parsed,
            Err(error) => {
                if !self.proven {
                    return Err(project::read(&self.opened.root)
                        .map_or_else(|error| error, |_| CommandError::from_error(&error)));
                }
                let text = chain(&error);
                if self.announcer.is_new(Topic::Manifests, &text) {
                    self.printer.problem(&text);
                    self.printer.hint("the last valid manifests stay in force");
                }
                return Ok(false);
            }
        };
        self.report_problems(&parsed);
        let Some(project) = parsed.project else {
            return Ok(false);
        };
        let digest = manifest::digest(&project);
        let before = &self.opened.project;
        // The digest does not cover the places of state and status.
        let is_new = digest != self.opened.digest
            || (&project.state, &project.status) != (&before.state, &before.status);
        let opened = Opened {
            root: self.opened.root.clone(),
            revision: self.opened.revision.clone(),
            project,
            digest,
        };
        if is_new {
            self.machine = Machine::new(&opened, sides::views(&opened)?)?;
            self.settled = None;
        }
        self.opened = opened;
        Ok(is_new)
    }

    fn report_problems(&self, parsed: &Parsed) {
        let broken = parsed.project.is_none();
        let text = diagnostic::human(&parsed.problems, &parsed.sources, Path::new(""), false);
        let was_broken = self
            .announcer
            .last(Topic::Manifests)
            .is_some_and(|last| last.starts_with('!'));
        // Keeps warnings of a valid project apart from errors of a broken one.
        let mark = if broken { "!" } else { "" };
        // Problems at the start were reported at the start.
        let is_new = self
            .announcer
            .is_new(Topic::Manifests, &format!("{mark}{text}"));
        if is_new && self.proven {
            let root = &self.opened.root;
            self.printer
                .problems(root, &parsed.problems, &parsed.sources);
        }
        if broken && is_new {
            self.printer
                .problem("the manifests have errors; the last valid ones stay in force");
        } else if was_broken && !broken {
            self.printer.note("the manifests are valid again");
        }
    }
}

impl Turn for Keeper<'_> {
    type End = End;
    type Snapshot = Sides;

    async fn look_ahead(&mut self) -> Option<Sides> {
        tracing::debug!("looking ahead");
        // Watch first, then list: a later change is reported and invalidates this list.
        block_in_place(|| self.arm().and_then(|()| self.list())).ok()
    }

    async fn turn(
        &mut self,
        wake: Wake,
        snapshot: Option<Sides>,
        hurry: &CancellationToken,
    ) -> ControlFlow<End, After> {
        let began = Instant::now();
        if let (Wake::Rescan, Some(files)) = (wake, &mut self.files) {
            files.doubt();
        }
        tracing::debug!(?wake, ahead = snapshot.is_some(), "looking");
        let sides = match block_in_place(|| self.look(snapshot)) {
            Ok(sides) => sides,
            Err(error) => return self.put_off(error, Topic::Content),
        };
        let found = Settled {
            suspended: suspended(&self.opened.project, SystemClock.now()),
            sides,
            waits_until: None,
        };
        let again = self.again(&found.sides);
        let before = self.settled.as_ref();
        let is_settled = again.is_empty()
            && before
                .is_some_and(|before| before.is_same(&found) && !before.is_over(SystemClock.now()));
        match wake {
            Wake::Change | Wake::Poll if is_settled => {
                tracing::debug!("nothing changed");
                self.returned.clear();
                self.settle_content();
                let now = SystemClock.now();
                let after = before.map_or(After::Settled, |before| before.after(now));
                return ControlFlow::Continue(after);
            }
            Wake::Start | Wake::Change | Wake::Poll | Wake::Rescan | Wake::Retry => {}
        }
        self.settled = None;
        let reconciler = Reconciler {
            again,
            waiting: Waiting {
                cancel: self.signals.cancel.clone(),
                hurry: hurry.clone(),
                ..Waiting::default()
            },
            prove: true,
            gives_up: true,
            interruption: self.signals,
            observer: &self.announcer,
            ..self.machine.reconciler(&self.opened, COMMAND)
        };
        match reconciler.run(Intent::Manifests(&found.sides)).await {
            Ok(done) => {
                self.returned.clear();
                self.conclude(&done, found, began)
            }
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
