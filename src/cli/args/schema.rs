//! Arguments of `schema`.

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub struct Schema {
    /// The document
    #[arg(value_enum, default_value_t)]
    pub document: SchemaDocument,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum SchemaDocument {
    /// What people write
    #[default]
    Manifest,
    /// `plan` and `apply --format json`, and each line of `watch --format json`
    Plan,
    /// `status --format json`
    Status,
    /// `history --format json`
    History,
    /// `doctor --format json`
    Doctor,
    /// `verify --format json`
    Verify,
    /// `state list` and `state show --format json`
    State,
    /// `plan --explain ADDRESS --format json`
    Explain,
}
