//! Progress of a run on stderr: a bar on a terminal, plain lines elsewhere. What goes wrong for one
//! reason is said once, however many requests meet it; the report has the figures.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Printer;
use crate::escape;
use crate::execute::{Event, Observer};
use crate::output::count;
use crate::state::Outcome;
use crate::status::causes::cause;

/// How often the bar moves by itself, so that waiting does not look like hanging.
const TICK: Duration = Duration::from_millis(120);

/// What can be said of trouble, by endpoint and cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Trouble {
    /// Why requests are tried again; how often is said at the end.
    Retry,
    /// Why entries are not confirmed.
    Outcome,
}

/// Shows what happens.
#[derive(Debug)]
pub(super) struct Progress {
    printer: Printer,
    bar: Mutex<Option<ProgressBar>>,
    /// What was said of trouble, by cause, and how often it came again.
    said: Mutex<BTreeMap<(Trouble, String), usize>>,
}

impl Progress {
    /// Nothing is shown before something happens.
    pub(super) fn new(printer: Printer) -> Self {
        Self {
            printer,
            bar: Mutex::default(),
            said: Mutex::default(),
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

    /// Takes the bar away, and says how often it was tried again.
    pub(super) fn finish(&self) {
        if let Some(bar) = self.bar.lock().ok().and_then(|mut slot| slot.take()) {
            bar.finish_and_clear();
        }
        let said = std::mem::take(&mut *self.said.lock().unwrap_or_else(PoisonError::into_inner));
        for ((trouble, reason), times) in said {
            if trouble == Trouble::Retry && times > 0 {
                let times = count(times, "more time");
                self.printer.note(&format!("tried again {times}: {reason}"));
            }
        }
    }

    fn with_bar(&self, draw: impl FnOnce(&ProgressBar)) -> bool {
        let Ok(slot) = self.bar.lock() else {
            return false;
        };
        slot.as_ref().map(draw).is_some()
    }

    /// Prints what stays, above the bar if there is one.
    fn print(&self, print: impl Fn()) {
        if !self.with_bar(|bar| bar.suspend(&print)) {
            print();
        }
    }

    /// A line that stays.
    fn line(&self, text: &str) {
        self.print(|| self.printer.note(text));
    }

    /// Whether that was not said yet; it is now.
    fn is_new(&self, trouble: Trouble, text: &str) -> bool {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (trouble, cause(text));
        let times = said.entry(key).and_modify(|times| *times += 1).or_insert(0);
        *times == 0
    }
}

impl Observer for Progress {
    fn event(&self, event: Event) {
        tracing::debug!(?event);
        match event {
            Event::Submitting { endpoint, urls } => {
                let text = format!("[{endpoint}] submitting {}", count(urls, "URL"));
                if !self.with_bar(|bar| bar.set_message(escape::line(&text))) {
                    self.line(&text);
                }
            }
            Event::Accepted {
                endpoint,
                task,
                urls,
            } => {
                let urls = count(urls, "URL");
                if !self.with_bar(|bar| bar.set_message("waiting for the CDN")) {
                    self.line(&format!("[{endpoint}] accepted {urls} as task {task}"));
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
                let is_said = match outcome {
                    Outcome::Succeeded => !moved,
                    Outcome::Submitted
                    | Outcome::InProgress
                    | Outcome::Failed
                    | Outcome::Skipped
                    | Outcome::Deferred
                    | Outcome::Unknown
                    | Outcome::Superseded => self.is_new(
                        Trouble::Outcome,
                        &format!("[{endpoint}] {outcome}{message}"),
                    ),
                };
                if is_said {
                    let urls = count(urls, "URL");
                    self.line(&format!("[{endpoint}] {urls} {outcome}{message}"));
                }
            }
            Event::Retrying {
                endpoint,
                reason,
                delay,
            } => {
                if self.is_new(Trouble::Retry, &format!("[{endpoint}] {reason}")) {
                    let seconds = delay.as_secs_f64();
                    self.line(&format!(
                        "[{endpoint}] trying again in {seconds:.1} s: {reason}"
                    ));
                }
            }
            Event::ClockSkew { endpoint, skew } => {
                let seconds = skew.num_seconds();
                let direction = if seconds > 0 { "behind" } else { "ahead of" };
                let text = format!(
                    "[{endpoint}] this machine's clock is {} s {direction} the CDN's; requests are dated by the CDN's clock",
                    seconds.abs()
                );
                self.print(|| self.printer.warning(&text));
            }
            Event::Halted { endpoint, failure } => {
                let text = format!("[{endpoint}] given up for this run: {failure}");
                self.print(|| self.printer.warning(&text));
            }
        }
    }
}
