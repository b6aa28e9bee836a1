//! Log lines to stderr, for those who ask.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::args::{Global, LogFormat};
use super::environment::LOG;

/// Starts logging for the rest of the process. `PURGIT_LOG` wins over `-v`.
pub(super) fn start(global: &Global) {
    let default = match global.verbose {
        0 => "warn",
        1 => "purgit=info",
        2 => "purgit=debug",
        _ => "trace",
    };
    let directives = std::env::var(LOG)
        .ok()
        .filter(|directives| !directives.is_empty());
    if directives.is_none() && global.verbose == 0 {
        // Nothing below would log a warning that is not also reported properly.
        return;
    }
    let filter = EnvFilter::new(directives.as_deref().unwrap_or(default));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false);
    // A second start in one process (tests) keeps the first.
    let _ = match global.log_format {
        LogFormat::Text => subscriber.finish().try_init(),
        LogFormat::Json => subscriber.json().flatten_event(true).finish().try_init(),
    };
}
