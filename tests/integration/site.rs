//! A content directory as the declaration: which URLs its files are, and what becomes of changes.

mod baseline;
mod changes;
pub(crate) mod fixture;
mod selection;
mod state;
mod urls;
