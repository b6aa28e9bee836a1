//! What a run is handed besides values: somebody to show the plan to, and who knows of a signal.

use std::fmt;

use crate::exit::Exit;
use crate::plan::Plan;
use crate::state::State;

/// How far a run goes, decided once the plan is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Approval {
    Go,
    Decline,
    /// It is not the plan that was approved: in which ways.
    Stale(Vec<String>),
}

/// Is shown the plan before anything is sent, and may decline it.
pub trait Gate: fmt::Debug + Send + Sync {
    /// The plan, refused ones included, which are not carried out whatever the answer, and the state
    /// as it is before.
    fn planned(&self, plan: &Plan, state: &State) -> Approval;

    /// What a reader should know of both sides, before the plan.
    fn noted(&self, notes: &[String]) {
        let _ = notes;
    }

    /// The edges are asked for so many entries before the plan is made, in at most so many requests, and
    /// origins in at most so many.
    fn asking(&self, entries: usize, requests: usize, of_origins: usize) {
        let _ = (entries, requests, of_origins);
    }
}

/// Knows by what a run is interrupted when it is cancelled.
pub trait Interruption: fmt::Debug + Send + Sync {
    fn exit(&self) -> Exit;
}

impl Interruption for Exit {
    fn exit(&self) -> Exit {
        *self
    }
}
