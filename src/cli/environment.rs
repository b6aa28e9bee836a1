//! The environment variables that purgit reads, in one table for code, `man` and README.

use std::path::{Path, PathBuf};

use super::ci::{Context, Surroundings};
use crate::secret::Secret;

#[derive(Debug, Clone, Copy)]
pub struct Variable {
    pub name: &'static str,
    pub meaning: &'static str,
}

pub(super) const LOG: &str = "PURGIT_LOG";

pub(super) const DOTENV: &str = "PURGIT_DOTENV";

pub(super) const CI: &str = "CI";

pub(super) const GITHUB_API: &str = "GITHUB_API_URL";

const GITHUB_TOKEN: &str = "GITHUB_TOKEN";
pub(super) const GITLAB_TOKEN: &str = "GITLAB_TOKEN";

pub(super) const GITLAB_API: &str = "CI_API_V4_URL";

/// The merge request's project; the pipeline may run in a fork. Set by GitLab CI.
pub(super) const GITLAB_TARGET: &str = "CI_MERGE_REQUEST_PROJECT_PATH";

/// All variables, except those that manifests name for credentials.
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
        name: DOTENV,
        meaning: "a file for variables of other jobs, as `--dotenv`",
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
        name: "GITHUB_ACTIONS",
        meaning: "with `true`, values of the step go to `GITHUB_OUTPUT`, the plan to `GITHUB_STEP_SUMMARY`, problems become annotations",
    },
    Variable {
        name: "HTTPS_PROXY",
        meaning: "proxy for the CDN's API; also `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`",
    },
    Variable {
        name: GITHUB_TOKEN,
        meaning: "token that `comment` writes to GitHub with; also `GH_TOKEN`",
    },
    Variable {
        name: GITLAB_TOKEN,
        meaning: "token that `comment` writes to GitLab with",
    },
    Variable {
        name: GITHUB_API,
        meaning: "GitHub's API for `comment`; GitHub Actions sets it",
    },
    Variable {
        name: GITLAB_API,
        meaning: "GitLab's API for `comment`; GitLab CI sets it",
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

pub(super) fn is_ci() -> bool {
    std::env::var_os(CI).is_some_and(|value| !value.is_empty() && value != "false")
}

pub(super) fn text(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

pub(super) fn secret(name: &str) -> Option<Secret> {
    let text = text(name)?;
    let token = text.trim();
    (!token.is_empty()).then(|| Secret::new(token))
}

/// The dotenv file: the option's, or the one in [`DOTENV`].
pub(super) fn dotenv(option: Option<&Path>) -> Option<PathBuf> {
    option.map(Path::to_owned).or_else(|| {
        let variable = std::env::var_os(DOTENV).filter(|path| !path.is_empty());
        variable.map(PathBuf::from)
    })
}

/// What the CI system says about this run.
pub fn ci() -> Context {
    Context::of(&Surroundings {
        variable: &|name| std::env::var(name).ok(),
        file: &|path| std::fs::read_to_string(path).ok(),
    })
}
