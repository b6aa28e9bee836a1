//! Reading repositories of all sorts, made for each test.

mod changes;
pub(crate) mod fixture;
mod revisions;
mod trees;
mod worktrees;
