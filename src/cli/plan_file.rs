//! Plan documents in files.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use serde::Serialize;

use super::{CommandError, Printer};
use crate::error::chain;
use crate::output::json::read::{self, MAX_DOCUMENT_BYTES};
use crate::output::json::v1::PlanDocument;

/// # Errors
/// The file cannot be read, or is not a plan.
pub fn read(path: &Path) -> Result<PlanDocument, CommandError> {
    let shown = path.display();
    let bytes = bytes(path)
        .map_err(|error| CommandError::new(format!("cannot read the plan `{shown}`: {error}")))?;
    read::read(&bytes).map_err(|error| {
        let message = format!("cannot read the plan `{shown}`: {}", chain(&error));
        CommandError::new(message).hint(error.hint())
    })
}

/// Reads one byte more than allowed, to notice that a file is too large.
fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    file.take(MAX_DOCUMENT_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes a plan, or its counts, as JSON.
///
/// # Errors
/// The file cannot be written.
pub fn write(path: &Path, document: &impl Serialize) -> Result<(), CommandError> {
    std::fs::write(path, Printer::json_text(document)).map_err(|error| {
        let shown = path.display();
        CommandError::new(format!("cannot write the plan to `{shown}`: {error}"))
    })
}
