//! Exit codes: a promise to scripts, kept in one table.

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    Done,
    Error,
    /// With `--detailed-exitcode`: there are changes, or something was changed.
    Changes,
    /// Some entries failed.
    Failed,
    /// Refused by a safety check.
    Refused,
    /// The plan is not the approved one.
    Stale,
    Locked,
    Credentials,
    /// Still running when the wait ended.
    Running,
    Usage,
    /// Interrupted by SIGINT.
    Interrupted,
    /// Interrupted by SIGTERM.
    Terminated,
}

impl Exit {
    /// Every code, ascending.
    pub const ALL: [Self; 12] = [
        Self::Done,
        Self::Error,
        Self::Changes,
        Self::Failed,
        Self::Refused,
        Self::Stale,
        Self::Locked,
        Self::Credentials,
        Self::Running,
        Self::Usage,
        Self::Interrupted,
        Self::Terminated,
    ];

    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Error => 1,
            Self::Changes => 2,
            Self::Failed => 3,
            Self::Refused => 4,
            Self::Stale => 5,
            Self::Locked => 6,
            Self::Credentials => 7,
            Self::Running => 8,
            Self::Usage => 64,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// What it means, for `--help`, the manual and the README.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done (a plan without `--detailed-exitcode`, with or without changes)",
            Self::Error => "error",
            Self::Changes => {
                "only with `--detailed-exitcode`: the plan has changes / apply changed something"
            }
            Self::Failed => "apply finished, some entries failed",
            Self::Refused => "refused by a safety check (the plan is still printed)",
            Self::Stale => "stale: the plan is not the one that was approved",
            Self::Locked => "lock held by another run",
            Self::Credentials => "credentials missing or rejected",
            Self::Running => {
                "still running when the wait ended, or waiting for quota or the origin; the next run goes on"
            }
            Self::Usage => "wrong usage",
            Self::Interrupted => "interrupted (Ctrl-C), state saved",
            Self::Terminated => "terminated (SIGTERM), state saved",
        }
    }

    /// The table as Markdown, for the README.
    pub fn markdown() -> String {
        let rows = Self::ALL.map(|exit| format!("| {} | {} |\n", exit.code(), exit.meaning()));
        format!("| code | meaning |\n|---|---|\n{}", rows.concat())
    }

    /// The table as plain text, for `--help`.
    pub fn help() -> String {
        let rows = Self::ALL.map(|exit| format!("  {:>3}  {}\n", exit.code(), exit.meaning()));
        format!("Exit codes:\n{}", rows.concat().trim_end())
    }
}
