//! Progress of a run on stderr: a bar on a terminal, plain lines elsewhere.

use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Printer;
use crate::execute::{Event, Observer};
use crate::output::count;
use crate::state::Outcome;

/// How often the bar moves by itself, so that waiting does not look like hanging.
const TICK: Duration = Duration::from_millis(120);

/// Shows what happens.
#[derive(Debug)]
pub(super) struct Progress {
    printer: Printer,
    bar: Mutex<Option<ProgressBar>>,
}

impl Progress {
    /// Nothing is shown before something happens.
    pub(super) fn new(printer: Printer) -> Self {
        Self {
            printer,
            bar: Mutex::new(None),
        }
    }

    /// Draws the bar for that many URLs, on a terminal.
    pub(super) fn expect(&self, urls: usize) {
        if !self.printer.draws() || urls == 0 {
            return;
        }
        let total = u64::try_from(urls).unwrap_or(u64::MAX);
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        if let Ok(style) =
            ProgressStyle::with_template("{spinner} {bar:24} {pos}/{len} {msg} {elapsed}")
        {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.enable_steady_tick(TICK);
        if let Ok(mut slot) = self.bar.lock() {
            *slot = Some(bar);
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        if let Some(bar) = self.bar.lock().ok().and_then(|mut slot| slot.take()) {
            bar.finish_and_clear();
        }
    }

    fn with_bar(&self, draw: impl FnOnce(&ProgressBar)) -> bool {
        let Ok(slot) = self.bar.lock() else {
            return false;
        };
        slot.as_ref().map(draw).is_some()
    }

    /// A line that stays, above the bar if there is one.
    fn line(&self, text: &str) {
        let print = || self.printer.note(text);
        if !self.with_bar(|bar| bar.suspend(print)) {
            print();
        }
    }
}

impl Observer for Progress {
    fn event(&self, event: Event) {
        tracing::debug!(?event);
        match event {
            Event::Submitting { endpoint, urls } => {
                let text = format!("[{endpoint}] submitting {}", count(urls, "URL"));
                if !self.with_bar(|bar| bar.set_message(text.clone())) {
                    self.line(&text);
                }
            }
            Event::Accepted {
                endpoint,
                task,
                urls,
            } => {
                let text = format!(
                    "[{endpoint}] accepted {} as task {task}",
                    count(urls, "URL")
                );
                if !self.with_bar(|bar| bar.set_message("waiting for the CDN")) {
                    self.line(&text);
                }
            }
            Event::Resumed {
                endpoint,
                task,
                entries,
            } => {
                let entries = count(entries, "entry");
                self.line(&format!("[{endpoint}] resuming task {task} with {entries}"));
            }
            Event::Settled {
                endpoint,
                outcome,
                urls,
                message,
            } => {
                let moved = self.with_bar(|bar| bar.inc(u64::try_from(urls).unwrap_or_default()));
                let message = message.map(|text| format!(": {text}")).unwrap_or_default();
                if !moved || outcome != Outcome::Succeeded {
                    self.line(&format!(
                        "[{endpoint}] {} {outcome}{message}",
                        count(urls, "URL")
                    ));
                }
            }
            Event::Retrying {
                endpoint,
                reason,
                delay,
            } => {
                let seconds = delay.as_secs_f64();
                self.line(&format!(
                    "[{endpoint}] trying again in {seconds:.1} s: {reason}"
                ));
            }
            Event::ClockSkew { endpoint, skew } => {
                let seconds = skew.num_seconds();
                let direction = if seconds > 0 { "behind" } else { "ahead of" };
                let text = format!(
                    "[{endpoint}] this machine's clock is {} s {direction} the CDN's; requests are dated by the CDN's clock",
                    seconds.abs()
                );
                let warn = || self.printer.warning(&text);
                if !self.with_bar(|bar| bar.suspend(warn)) {
                    warn();
                }
            }
            Event::Halted { endpoint, failure } => {
                let halt = || {
                    self.printer
                        .warning(&format!("[{endpoint}] given up for this run: {failure}"));
                    if let Some(hint) = &failure.hint {
                        self.printer.hint(hint);
                    }
                };
                if !self.with_bar(|bar| bar.suspend(halt)) {
                    halt();
                }
            }
        }
    }
}
