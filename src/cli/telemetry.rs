//! Log lines on stderr, on request. Untrusted text in them is escaped.

use std::io;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::args::{Global, LogFormat};
use super::environment::LOG;
use crate::escape;

/// The filter of `-v`.
const REQUESTS: &str = "purgit=info";

pub(super) fn is_on(global: &Global) -> bool {
    filter(global).is_some()
}

/// Without `-v`, nothing is logged: what matters is reported anyway.
fn filter(global: &Global) -> Option<String> {
    let directives = std::env::var(LOG).ok();
    let directives = directives.filter(|directives| !directives.is_empty());
    directives.or_else(|| match global.verbose {
        0 => None,
        1 => Some(REQUESTS.to_owned()),
        2 => Some("purgit=debug".to_owned()),
        // Libraries trace every byte and every wake-up.
        _ => Some("debug,purgit=trace".to_owned()),
    })
}

/// Starts logging for the process. `PURGIT_LOG` overrides `-v`.
pub(super) fn start(global: &Global) {
    let Some(filter) = filter(global) else {
        return;
    };
    let format = global.log_format;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(&filter))
        .with_writer(move || Escaped(format))
        .with_ansi(false);
    // A second start in one process (tests) keeps the first.
    let _ = match format {
        // One line per request, and nothing else.
        LogFormat::Text if filter == REQUESTS => {
            let bare = subscriber.without_time().with_level(false);
            bare.with_target(false).finish().try_init()
        }
        LogFormat::Text => subscriber.finish().try_init(),
        LogFormat::Json => subscriber.json().flatten_event(true).finish().try_init(),
    };
}

/// Takes one event per write.
struct Escaped(LogFormat);

impl io::Write for Escaped {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let text = text.trim_end_matches('\n');
        let line = match self.0 {
            LogFormat::Text => escape::line(text),
            LogFormat::Json => escape::json(text).into_owned(),
        };
        writeln!(io::stderr().lock(), "{line}")?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
