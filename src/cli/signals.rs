//! Ctrl-C and SIGTERM: the first asks the run to stop, the second ends it at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use tokio_util::sync::CancellationToken;

use super::Printer;
use crate::exit::Exit;
use crate::git::command;
use crate::reconcile::Interruption;

#[derive(Debug, Clone, Default)]
pub(super) struct Signals {
    /// Cancelled by the first signal.
    pub(super) cancel: CancellationToken,
    exit: Arc<AtomicU8>,
    idle: Arc<AtomicBool>,
}

impl Signals {
    pub(super) fn listen(printer: Printer) -> Self {
        let signals = Self::default();
        let shared = signals.clone();
        // Opened before the task first runs, so that no signal is lost in between.
        let mut source = Source::open();
        tokio::spawn(async move {
            loop {
                let exit = source.next().await;
                let first = shared.exit.swap(exit.code(), Ordering::SeqCst) == 0;
                if !first || shared.idle.load(Ordering::SeqCst) {
                    leave(exit);
                }
                printer.note("stopping after the request in flight; a second signal stops at once");
                shared.cancel.cancel();
            }
        });
        signals
    }

    /// During a question nothing is in flight, and one signal ends the process.
    pub(super) fn while_idle<T>(&self, ask: impl FnOnce() -> T) -> T {
        self.idle.store(true, Ordering::SeqCst);
        let answer = ask();
        self.idle.store(false, Ordering::SeqCst);
        answer
    }
}

impl Interruption for Signals {
    fn exit(&self) -> Exit {
        if self.exit.load(Ordering::SeqCst) == Exit::Terminated.code() {
            Exit::Terminated
        } else {
            Exit::Interrupted
        }
    }
}

/// Ends the process. That is safe at any time: intents are durable before requests.
#[expect(clippy::exit, reason = "the second signal must not wait for anything")]
fn leave(exit: Exit) -> ! {
    command::end_running();
    std::process::exit(i32::from(exit.code()))
}

/// A signal that cannot be listened to never arrives.
#[cfg(unix)]
struct Source {
    interrupt: Option<tokio::signal::unix::Signal>,
    terminate: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Source {
    fn open() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Self {
            interrupt: signal(SignalKind::interrupt()).ok(),
            terminate: signal(SignalKind::terminate()).ok(),
        }
    }

    async fn next(&mut self) -> Exit {
        async fn one(source: &mut Option<tokio::signal::unix::Signal>) {
            let received = match source {
                Some(source) => source.recv().await,
                None => None,
            };
            if received.is_none() {
                std::future::pending::<()>().await;
            }
        }
        tokio::select! {
            () = one(&mut self.interrupt) => Exit::Interrupted,
            () = one(&mut self.terminate) => Exit::Terminated,
        }
    }
}

/// Ctrl-C only.
#[cfg(not(unix))]
struct Source;

#[cfg(not(unix))]
impl Source {
    fn open() -> Self {
        Self
    }

    async fn next(&mut self) -> Exit {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Exit::Interrupted
    }
}
