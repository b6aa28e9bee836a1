//! The lease during submission: held while any operation is being submitted, and released while all the
//! rest wait for room at the CDN.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Mutex;

use crate::state::StateError;
use crate::state::recorder::Recorder;

#[derive(Debug)]
pub(super) struct Hold<'a> {
    recorder: &'a Recorder,
    working: AtomicUsize,
    /// So that the lease is not taken and released at the same time.
    turn: Mutex<()>,
}

impl<'a> Hold<'a> {
    /// The run must hold the lease.
    pub(super) fn new(recorder: &'a Recorder, operations: usize) -> Self {
        Self {
            recorder,
            working: AtomicUsize::new(operations),
            turn: Mutex::default(),
        }
    }

    pub(super) fn divide(&self) {
        self.working.fetch_add(1, Ordering::Relaxed);
    }

    /// One operation is submitted, or waits for room.
    pub(super) async fn pause(&self) -> Result<(), StateError> {
        let _turn = self.turn.lock().await;
        match self.working.fetch_sub(1, Ordering::Relaxed) {
            1 => self.recorder.release().await,
            _ => Ok(()),
        }
    }

    pub(super) async fn resume(&self) -> Result<(), StateError> {
        let _turn = self.turn.lock().await;
        match self.working.fetch_add(1, Ordering::Relaxed) {
            0 => self.recorder.hold().await,
            _ => Ok(()),
        }
    }
}
