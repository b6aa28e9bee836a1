//! `purgit schema`

use schemars::generate::SchemaSettings;

use crate::cli::Printer;
use crate::cli::args::{Schema, SchemaDocument};
use crate::exit::Exit;
use crate::manifest;
use crate::output::json::v1::PlanDocument;

pub(super) fn run(arguments: &Schema, printer: Printer) -> Exit {
    match arguments.document {
        SchemaDocument::Manifest => printer.json(&manifest::schema::schema()),
        SchemaDocument::Plan => {
            let generator = SchemaSettings::draft07().into_generator();
            printer.json(&generator.into_root_schema_for::<PlanDocument>());
        }
    }
    Exit::Done
}
