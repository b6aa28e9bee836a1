//! Which CI system runs this, and what it says about the run. Pure: environment and files are
//! passed in as functions. Every value is untrusted text, which is escaped when printed.
//!
//! # How to add a CI system
//! 1. Write `cli/ci/<name>.rs` with a function from a [`Surroundings`] to a [`Context`].
//! 2. Add its variant to [`System`]; the compiler shows the rest.

mod azure_pipelines;
mod github_actions;
mod gitlab_ci;
mod jenkins;

use std::fmt;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum System {
    /// GitHub Actions, and compatible systems (Gitea, Forgejo).
    GithubActions,
    GitlabCi,
    AzurePipelines,
    Jenkins,
    /// Any other system that sets `CI`.
    Other,
    /// No CI: a person's own machine.
    #[default]
    None,
}

impl System {
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::GithubActions => Some("GitHub Actions"),
            Self::GitlabCi => Some("GitLab CI"),
            Self::AzurePipelines => Some("Azure Pipelines"),
            Self::Jenkins => Some("Jenkins"),
            Self::Other => Some("CI"),
            Self::None => None,
        }
    }

    /// Variables that may hold a token for its API, best first.
    pub const fn token_variables(self) -> &'static [&'static str] {
        match self {
            Self::GithubActions => &["GITHUB_TOKEN", "GH_TOKEN"],
            // A job's own token, `CI_JOB_TOKEN`, may not write notes.
            Self::GitlabCi => &["GITLAB_TOKEN"],
            Self::AzurePipelines | Self::Jenkins | Self::Other | Self::None => {
                &["GITHUB_TOKEN", "GH_TOKEN", "GITLAB_TOKEN"]
            }
        }
    }
}

/// What the CI system says about a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    pub system: System,
    /// The repository as its API names it: `owner/name`, or a path with groups.
    pub repository: Option<String>,
    /// The commit that was pushed or proposed, not a merge commit made by CI.
    pub commit: Option<String>,
    pub pull_request: Option<u64>,
    pub actor: Option<String>,
    pub run_url: Option<String>,
    /// Base URL of the host's API, without a trailing `/`.
    pub api_url: Option<String>,
    pub workspace: Option<PathBuf>,
    /// File for values of the step, one `NAME=VALUE` per line.
    pub output: Option<PathBuf>,
    /// File for Markdown that the run's page shows.
    pub summary: Option<PathBuf>,
}

impl Context {
    pub fn of(surroundings: &Surroundings<'_>) -> Self {
        let is_true = |name| {
            let value = surroundings.text(name);
            value.is_some_and(|value| value.eq_ignore_ascii_case("true"))
        };
        if is_true("GITHUB_ACTIONS") {
            github_actions::context(surroundings)
        } else if is_true("GITLAB_CI") {
            gitlab_ci::context(surroundings)
        } else if is_true("TF_BUILD") {
            azure_pipelines::context(surroundings)
        } else if surroundings.text("JENKINS_URL").is_some() {
            jenkins::context(surroundings)
        } else {
            let is_ci = surroundings.text("CI").is_some_and(|ci| ci != "false");
            Self {
                system: if is_ci { System::Other } else { System::None },
                ..Self::default()
            }
        }
    }
}

/// The environment of a CI job: variables, and files that they name.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    pub file: &'a dyn Fn(&Path) -> Option<String>,
}

impl Surroundings<'_> {
    /// A variable's value, if it is not empty.
    fn text(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        self.text(name).map(PathBuf::from)
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }

    /// A URL without a trailing `/`.
    fn url(&self, name: &str) -> Option<String> {
        self.text(name)
            .map(|url| url.trim_end_matches('/').to_owned())
    }
}

impl fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An environment holds secrets.
        f.write_str("Surroundings")
    }
}
