//! What a run is handed besides values: somebody to show the plan to, and a place for the status.

use std::fmt;

use crate::plan::Plan;
use crate::state::State;
use crate::status::StatusDocument;
use crate::status::file::StatusError;

/// How far a run goes, decided once the plan is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Approval {
    /// Carry it out.
    Go,
    /// Leave everything as it is.
    Decline,
}

/// Is shown the plan before anything is sent, and may decline it.
pub trait Gate: fmt::Debug + Send + Sync {
    /// The plan, refused ones included; the answer counts only when the plan is applyable.
    fn planned(&self, plan: &Plan, state: &State) -> Approval;
}

/// Where the status goes.
pub trait StatusSink: fmt::Debug + Send + Sync {
    /// What was written last, for transition times.
    ///
    /// # Errors
    /// When what is there is not a status.
    fn previous(&self) -> Result<Option<StatusDocument>, StatusError>;

    /// Writes.
    ///
    /// # Errors
    /// When it cannot be written.
    fn write(&self, document: &StatusDocument) -> Result<(), StatusError>;
}
