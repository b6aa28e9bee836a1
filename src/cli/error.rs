//! What a command reports when it fails: exit code, message with causes, hints.

use std::error::Error;
use std::{fmt, iter};

use crate::credential::source::MissingCredentials;
use crate::error::chain;
use crate::exit::Exit;
use crate::plan::PlanError;
use crate::plan::explain::NoEntry;
use crate::plan::select::SelectError;
use crate::reconcile::ReconcileError;
use crate::state::StateError;
use crate::status::file::StatusError;

/// An error on its way to the user.
#[derive(Debug)]
pub struct CommandError {
    pub exit: Exit,
    /// What went wrong, with its causes. Empty if everything was printed already.
    pub message: String,
    /// Details, one per line.
    pub details: Vec<String>,
    pub hints: Vec<String>,
    /// Whether a CI system has annotations for it already.
    pub is_annotated: bool,
}

impl CommandError {
    /// An error with exit code 1.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Error,
            message: message.into(),
            details: Vec::new(),
            hints: Vec::new(),
            is_annotated: false,
        }
    }

    pub fn from_error(error: &dyn Error) -> Self {
        Self::new(chain(error))
    }

    /// An error whose report was printed already.
    pub fn printed(exit: Exit) -> Self {
        Self::new("").exit(exit)
    }

    #[must_use]
    pub fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl fmt::Display for CommandError {
    /// The message and its details, in one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        let between = iter::once(": ").chain(iter::repeat("; "));
        let mut details = self.details.iter().zip(between);
        details.try_for_each(|(detail, before)| write!(f, "{before}{detail}"))
    }
}

impl From<StateError> for CommandError {
    fn from(error: StateError) -> Self {
        let exit = match &error {
            StateError::Locked(_) => Exit::Locked,
            StateError::Conflict(_)
            | StateError::Fenced(_)
            | StateError::Journal { .. }
            | StateError::Corrupt { .. }
            | StateError::TooNew { .. }
            | StateError::Git { .. }
            | StateError::Io { .. } => Exit::Error,
        };
        Self {
            hints: error.hint().into_iter().collect(),
            ..Self::from_error(&error).exit(exit)
        }
    }
}

impl From<SelectError> for CommandError {
    fn from(error: SelectError) -> Self {
        Self::from_error(&error).hint("`purgit status --all` lists the addresses of all entries")
    }
}

impl From<PlanError> for CommandError {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Select(error) => error.into(),
            PlanError::Unsupported { ref source, .. } => {
                let hint = source.hint.clone();
                Self::from_error(&error).hint(hint)
            }
        }
    }
}

impl From<NoEntry> for CommandError {
    fn from(error: NoEntry) -> Self {
        let hint = match &error.nearest {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => "`purgit status --all` lists the addresses of all entries".to_owned(),
        };
        Self::from_error(&error).hint(hint)
    }
}

impl From<MissingCredentials> for CommandError {
    fn from(error: MissingCredentials) -> Self {
        let all: Vec<_> = error.0.iter().map(|missing| chain(missing)).collect();
        let hint = format!("{}; `purgit plan` needs none", error.place());
        let report = match &*all {
            [one] => Self::new(one),
            all => Self {
                details: all.to_vec(),
                ..Self::new(format!("{} credentials are missing", all.len()))
            },
        };
        report.exit(Exit::Credentials).hint(hint)
    }
}

impl From<ReconcileError> for CommandError {
    fn from(error: ReconcileError) -> Self {
        let exit = error.exit();
        let report: Self = match error {
            ReconcileError::State(error) => error.into(),
            ReconcileError::Plan(error) => error.into(),
            ReconcileError::Credentials(error) => error.into(),
            ReconcileError::Status(error) => error.into(),
            ReconcileError::Workspace(error) => error.into(),
            ReconcileError::NoRevision(_) => Self::from_error(&error)
                .hint("commit the project to git, or let `equals` name the release in another way"),
            ReconcileError::Stale(differences) => Self {
                details: differences,
                ..Self::new("the plan is not the one that was approved; nothing was purged")
            },
        };
        report.exit(exit)
    }
}

impl From<StatusError> for CommandError {
    fn from(error: StatusError) -> Self {
        Self {
            hints: error.hint().into_iter().collect(),
            ..Self::from_error(&error)
        }
    }
}
