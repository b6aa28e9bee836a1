//! What a run calls back: a gate that sees the plan first, and the source of a signal's exit code.

use std::fmt;

use crate::exit::Exit;
use crate::plan::Plan;
use crate::state::State;

/// How far a run goes, decided once the plan is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Approval {
    Go,
    Decline,
    /// The plan differs from the approved one, in these ways.
    Stale(Vec<String>),
}

/// Is shown the plan before anything is sent, and may decline it.
pub trait Gate: fmt::Debug + Send + Sync {
    /// A refused plan is not carried out whatever the answer. `state` is the one before the plan.
    fn planned(&self, plan: &Plan, state: &State) -> Approval;

    /// Notes about both sides, before the plan.
    fn noted(&self, notes: &[String]) {
        let _ = notes;
    }

    /// Before edges are asked about `entries`: the most requests to edges, and to origins.
    fn asking(&self, entries: usize, requests: usize, of_origins: usize) {
        let _ = (entries, requests, of_origins);
    }
}

/// The exit code of whatever cancelled a run.
pub trait Interruption: fmt::Debug + Send + Sync {
    fn exit(&self) -> Exit;
}

impl Interruption for Exit {
    fn exit(&self) -> Exit {
        *self
    }
}
