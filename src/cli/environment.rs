//! The environment variables purgit reads, in one table for code, `man` and README.

use super::ci::{Context, Surroundings};

/// A variable and what it does.
#[derive(Debug, Clone, Copy)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub meaning: &'static str,
}

/// Filter for log lines.
pub(super) const LOG: &str = "PURGIT_LOG";

/// Set by CI systems.
pub(super) const CI: &str = "CI";

/// All of them, besides those that manifests name for credentials.
pub const VARIABLES: &[Variable] = &[
    Variable {
        name: LOG,
        meaning: "which log lines go to stderr, e.g. `debug` or `purgit=trace`",
    },
    Variable {
        name: "PURGIT_LOG_FORMAT",
        meaning: "`text` or `json`, as `--log-format`",
    },
    Variable {
        name: "NO_COLOR",
        meaning: "no colours, when set and not empty",
    },
    Variable {
        name: "CLICOLOR_FORCE",
        meaning: "colours also without a terminal",
    },
    Variable {
        name: CI,
        meaning: "progress as plain lines, and no questions, when set",
    },
    Variable {
        name: "HTTPS_PROXY",
        meaning: "proxy for the CDN's API; also `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`",
    },
];

/// The table as Markdown, for the README.
pub fn markdown() -> String {
    let row = |variable: &Variable| format!("| `{}` | {} |\n", variable.name, variable.meaning);
    format!(
        "| variable | meaning |\n|---|---|\n{}",
        VARIABLES.iter().map(row).collect::<String>()
    )
}

/// Whether a CI system runs this.
pub(super) fn is_ci() -> bool {
    std::env::var_os(CI).is_some_and(|value| !value.is_empty() && value != "false")
}

/// What the CI system that runs this tells of it.
pub fn ci() -> Context {
    Context::of(&Surroundings {
        variable: &|name| std::env::var(name).ok(),
        file: &|path| std::fs::read_to_string(path).ok(),
    })
}
