//! A content directory as the declaration: which URLs its files are, and what becomes of changes.

mod baseline;
mod changes;
mod examples;
pub(crate) mod fixture;
mod own_files;
mod selection;
mod state;
mod urls;
