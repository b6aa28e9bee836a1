//! Plans from git history: `--since` and `--to`.

mod apply;
mod base;
mod changes;
mod due;
pub(crate) mod fixture;
mod oracle;
mod places;
mod refusals;
mod worktree;
