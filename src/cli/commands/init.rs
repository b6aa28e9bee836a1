//! `purgit init`

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use crate::cli::{CommandError, Printer};
use crate::exit::Exit;
use crate::manifest::ROOT_FILE;
use crate::manifest::schema::schema;

/// What `init` writes; a test holds both to the schema and to `validate`.
const PROJECT: &str = include_str!("init/purgit.yaml");
const EXAMPLE: &str = include_str!("init/example.yaml");
const EXAMPLE_FILE: &str = "purges/example.yaml";
/// Named in what `init` writes.
const SCHEMA_FILE: &str = "schemas/purgit.v1alpha1.json";

pub(super) fn run(printer: Printer) -> Result<Exit, CommandError> {
    if !write(ROOT_FILE, PROJECT)? {
        let error = CommandError::new(format!(
            "`{ROOT_FILE}` is there already; it is left as it is"
        ));
        return Err(error.hint("`purgit validate` checks it"));
    }
    printer.note(&format!("wrote `{ROOT_FILE}`"));
    let schema = Printer::json_text(&schema());
    for (file, text) in [(EXAMPLE_FILE, EXAMPLE), (SCHEMA_FILE, &schema)] {
        printer.note(&match write(file, text)? {
            true => format!("wrote `{file}`"),
            false => format!("`{file}` is there already; it is left as it is"),
        });
    }
    printer.advice("fill in the ids and hosts, then run `purgit validate` and `purgit plan`");
    Ok(Exit::Done)
}

/// False when the file is there already.
fn write(path: &str, text: &str) -> Result<bool, CommandError> {
    let place = Path::new(path);
    let failed =
        |error: std::io::Error| CommandError::new(format!("cannot write `{path}`: {error}"));
    if let Some(folder) = place
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    match OpenOptions::new().write(true).create_new(true).open(place) {
        Ok(mut file) => file
            .write_all(text.as_bytes())
            .map(|()| true)
            .map_err(failed),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(failed(error)),
    }
}
