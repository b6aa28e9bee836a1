//! Progress of a run on stderr: a bar on a terminal, plain lines elsewhere. Each cause of trouble
//! is printed once, no matter how many requests it hits; the report has the numbers.

use std::collections::BTreeMap;
use std::iter;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Printer;
use crate::escape;
use crate::execute::{Event, Observer};
use crate::output::{count, number};
use crate::state::Outcome;
use crate::status::causes::cause;

/// How often the bar moves by itself, so that waiting does not look like hanging.
const TICK: Duration = Duration::from_millis(120);

/// When a run prints its first progress line; a short run is over by then.
const FIRST_LINE: Duration = Duration::from_secs(5);

/// Interval of further progress lines: enough for CI, and twenty lines in ten minutes.
const NEXT_LINES: Duration = Duration::from_secs(30);

/// Up to so many requests and tasks have their own lines; more are only summed up.
const FEW: usize = 3;

/// Columns that a terminal needs for a bar.
const BAR_FROM: u16 = 60;

/// Kinds of trouble, by endpoint and cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Trouble {
    /// Why requests are retried; the number is printed at the end.
    Retry,
    /// What an origin without the new files answers.
    Origin,
    /// Why entries are not confirmed.
    Outcome,
}

#[derive(Debug)]
pub(super) struct Progress {
    printer: Printer,
    bar: Mutex<Option<ProgressBar>>,
    /// Trouble that was printed, by cause: the text, and how often it was repeated.
    reported: Mutex<BTreeMap<(Trouble, String), (String, usize)>>,
    tally: Arc<(Mutex<Tally>, Condvar)>,
    /// Prints progress lines from time to time.
    ticker: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct Tally {
    urls: usize,
    settled: usize,
    /// Requests to send, and tasks of earlier runs.
    requests: usize,
    resumed: usize,
    /// Resumed tasks and their entries that were not printed yet.
    unprinted: (usize, usize),
    /// Entries that the edges are asked for now.
    proving: usize,
    /// Whether the edges were asked, so that what is sent is purged again.
    is_proven: bool,
    is_over: bool,
}

impl Progress {
    pub(super) fn new(printer: Printer) -> Self {
        Self {
            printer,
            bar: Mutex::default(),
            reported: Mutex::default(),
            tally: Arc::default(),
            ticker: Mutex::default(),
        }
    }

    /// Starts a bar on a terminal, lines elsewhere.
    pub(super) fn expect(&self, urls: usize, requests: usize) {
        if urls == 0 {
            return;
        }
        let mut tally = self.tally();
        tally.urls = urls;
        tally.requests += requests;
        drop(tally);
        if !self.printer.draws() {
            let (tally, printer) = (self.tally.clone(), self.printer);
            let say = move |line: &str| printer.note(line);
            let ticker = std::thread::spawn(move || print_lines(&tally, pauses(), say));
            *self.ticker.lock().unwrap_or_else(PoisonError::into_inner) = Some(ticker);
            return;
        }
        let total = u64::try_from(urls).unwrap_or(u64::MAX);
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        let width = terminal_size::terminal_size_of(std::io::stderr());
        let template = match width {
            Some((width, _)) if width.0 < BAR_FROM => {
                "{spinner} {human_pos} of {human_len} {elapsed} {wide_msg}"
            }
            Some(_) | None => "{spinner} {bar:24} {human_pos} of {human_len} {elapsed} {wide_msg}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.enable_steady_tick(TICK);
        if let Ok(mut slot) = self.bar.lock() {
            *slot = Some(bar);
        }
    }

    /// Removes the bar, and prints how often requests were retried.
    pub(super) fn finish(&self) {
        self.print_resumed();
        self.tally().is_over = true;
        self.tally.1.notify_all();
        let ticker = self.ticker.lock().ok().and_then(|mut slot| slot.take());
        // The thread only prints.
        let _ = ticker.map(JoinHandle::join);
        if let Some(bar) = self.bar.lock().ok().and_then(|mut slot| slot.take()) {
            bar.finish_and_clear();
        }
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        for ((trouble, _), (reason, times)) in std::mem::take(&mut *reported) {
            if trouble == Trouble::Retry && times > 0 {
                let times = count(times, "more time");
                self.printer.note(&format!("tried again {times}: {reason}"));
            }
        }
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether each request has its own lines.
    fn are_few(&self) -> bool {
        self.tally().requests <= FEW
    }

    /// Prints a line about resumed tasks without their own lines.
    fn print_resumed(&self) {
        let (tasks, entries) = std::mem::take(&mut self.tally().unprinted);
        if tasks > 0 {
            let (tasks, entries) = (count(tasks, "more task"), count(entries, "entry"));
            self.line(&format!("resuming {tasks} with {entries}"));
        }
    }

    fn print_submitting(&self, endpoint: &str, urls: usize) {
        let mut tally = self.tally();
        tally.proving = 0;
        if tally.is_proven {
            tally.urls += urls;
            self.with_bar(|bar| bar.inc_length(u64::try_from(urls).unwrap_or_default()));
        }
        drop(tally);
        let text = format!("[{endpoint}] submitting {}", count(urls, "URL"));
        if !self.with_bar(|bar| bar.set_message(escape::line(&text))) && self.are_few() {
            self.line(&text);
        }
    }

    fn print_proving(&self, entries: usize) {
        let mut tally = self.tally();
        (tally.proving, tally.is_proven) = (entries, true);
        drop(tally);
        let text = format!("asking the edges for {}", count(entries, "entry"));
        if !self.with_bar(|bar| bar.set_message(text.clone())) {
            self.line(&text);
        }
    }

    fn print_waiting(&self, endpoint: &str, entries: usize, why: &str) {
        if self.is_new(Trouble::Origin, &format!("[{endpoint}] {why}")) {
            let verb = if entries == 1 { "waits" } else { "wait" };
            let entries = count(entries, "entry");
            self.line(&format!(
                "[{endpoint}] {entries} {verb} for the origin, which {why}"
            ));
        }
    }

    fn with_bar(&self, draw: impl FnOnce(&ProgressBar)) -> bool {
        let Ok(slot) = self.bar.lock() else {
            return false;
        };
        slot.as_ref().map(draw).is_some()
    }

    /// Prints permanent lines, above the bar if there is one.
    fn print(&self, print: impl Fn()) {
        if !self.with_bar(|bar| bar.suspend(&print)) {
            print();
        }
    }

    fn line(&self, text: &str) {
        self.print(|| self.printer.note(text));
    }

    /// Whether the text was not printed yet; remembers it.
    fn is_new(&self, trouble: Trouble, text: &str) -> bool {
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = reported.entry((trouble, cause(text)));
        let entry = entry.and_modify(|(_, times)| *times += 1);
        entry.or_insert_with(|| (text.to_owned(), 0)).1 == 0
    }
}

fn pauses() -> impl Iterator<Item = Duration> {
    iter::once(FIRST_LINE).chain(iter::repeat(NEXT_LINES))
}

/// Prints a progress line after each pause, until the run is over.
fn print_lines(
    (tally, changed): &(Mutex<Tally>, Condvar),
    pauses: impl Iterator<Item = Duration>,
    say: impl Fn(&str),
) {
    let began = Instant::now();
    let mut now = tally.lock().unwrap_or_else(PoisonError::into_inner);
    for pause in pauses {
        now = match changed.wait_timeout_while(now, pause, |now| !now.is_over) {
            Ok((now, _)) => now,
            Err(_) => return,
        };
        if now.is_over {
            return;
        }
        let (settled, urls) = (number(now.settled), count(now.urls, "URL"));
        let (asked, seconds) = (count(now.proving, "entry"), began.elapsed().as_secs());
        say(&match now.proving {
            0 => format!("{settled} of {urls} finished after {seconds} s"),
            _ => format!("still asking the edges for {asked} after {seconds} s"),
        });
    }
}

impl Observer for Progress {
    fn event(&self, event: Event) {
        tracing::debug!(?event);
        if !matches!(event, Event::Resumed { .. }) {
            self.print_resumed();
        }
        match event {
            Event::Submitting { endpoint, urls } => self.print_submitting(&endpoint, urls),
            Event::Accepted {
                endpoint,
                task,
                urls,
            } => {
                let urls = count(urls, "URL");
                if !self.with_bar(|bar| bar.set_message("waiting for the CDN")) && self.are_few() {
                    self.line(&format!("[{endpoint}] accepted {urls} as task {task}"));
                }
            }
            Event::Resumed {
                endpoint,
                task,
                entries,
            } => {
                let mut tally = self.tally();
                tally.requests += 1;
                tally.resumed += 1;
                if tally.resumed > FEW {
                    tally.unprinted.0 += 1;
                    tally.unprinted.1 += entries;
                    return;
                }
                drop(tally);
                let entries = count(entries, "entry");
                self.line(&format!("[{endpoint}] resuming task {task} with {entries}"));
            }
            Event::Settled {
                endpoint,
                outcome,
                urls,
                message,
            } => {
                self.tally().settled += urls;
                let moved = self.with_bar(|bar| bar.inc(u64::try_from(urls).unwrap_or_default()));
                let message = message.map(|text| format!(": {text}")).unwrap_or_default();
                let is_printed = match outcome {
                    Outcome::Succeeded => !moved && self.are_few(),
                    Outcome::Submitted
                    | Outcome::InProgress
                    | Outcome::Failed
                    | Outcome::Skipped
                    | Outcome::Deferred
                    | Outcome::Held
                    | Outcome::Unknown
                    | Outcome::Superseded => self.is_new(
                        Trouble::Outcome,
                        &format!("[{endpoint}] {outcome}{message}"),
                    ),
                };
                if is_printed {
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
            Event::Waiting {
                endpoint,
                entries,
                why,
            } => self.print_waiting(&endpoint, entries, &why),
            Event::ClockSkew { endpoint, skew } => {
                let seconds = skew.num_seconds();
                let direction = if seconds > 0 { "behind" } else { "ahead of" };
                let text = format!(
                    "[{endpoint}] this machine's clock is {} s {direction} the CDN's; requests are dated by the CDN's clock",
                    seconds.abs()
                );
                self.print(|| self.printer.warning(&text));
            }
            Event::Proving { entries } => self.print_proving(entries),
            Event::Halted { endpoint, failure } => {
                // Entries that failed for this reason need not repeat it.
                let failed = format!("[{endpoint}] {}: {failure}", Outcome::Failed);
                self.is_new(Trouble::Outcome, &failed);
                let text = format!("[{endpoint}] gave up for this run: {failure}");
                self.print(|| self.printer.warning(&text));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_run_says_how_far_it_is_after_5_seconds_and_then_every_30() {
        let seconds: Vec<_> = pauses().take(4).map(|pause| pause.as_secs()).collect();
        assert_eq!(seconds, [5, 30, 30, 30]);
    }

    #[test]
    fn lines_count_what_is_settled_until_the_run_is_over() {
        for (proving, expected) in [
            (0, "1,200 of 2,000 URLs finished after 0 s"),
            (1_500, "still asking the edges for 1,500 entries after 0 s"),
        ] {
            let tally = Arc::new((
                Mutex::new(Tally {
                    urls: 2_000,
                    settled: 1_200,
                    proving,
                    ..Tally::default()
                }),
                Condvar::new(),
            ));
            let (sender, lines) = mpsc::channel();
            let shared = tally.clone();
            let pauses = [Duration::ZERO, Duration::ZERO, Duration::MAX];
            let ticker = std::thread::spawn(move || {
                print_lines(&shared, pauses.into_iter(), |line| {
                    sender.send(line.to_owned()).unwrap();
                });
            });
            for _ in 0..2 {
                assert_eq!(lines.recv().unwrap(), expected);
            }
            tally.0.lock().unwrap().is_over = true;
            tally.1.notify_all();
            ticker.join().unwrap();
            assert!(lines.recv().is_err(), "it ends without another line");
        }
    }
}
