//! `purgit schema`

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

use crate::cli::Printer;
use crate::cli::args::{self, SchemaDocument};
use crate::exit::Exit;
use crate::manifest;
use crate::output::doctor::DoctorDocument;
use crate::output::history::HistoryDocument;
use crate::output::json::explained::Explained;
use crate::output::json::v1::PlanDocument;
use crate::output::state::StateDocument;
use crate::output::verify::VerifyDocument;
use crate::status::StatusDocument;

pub(super) fn run(arguments: &args::Schema, printer: Printer) -> Exit {
    let draft07 = SchemaSettings::draft07();
    match arguments.document {
        SchemaDocument::Manifest => printer.json(&manifest::schema::schema()),
        SchemaDocument::Plan => {
            let generator = draft07.into_generator();
            printer.json(&generator.into_root_schema_for::<PlanDocument>());
        }
        SchemaDocument::Status => printer.json(&written::<StatusDocument>(draft07)),
        SchemaDocument::History => printer.json(&written::<HistoryDocument<'_>>(draft07)),
        SchemaDocument::Verify => printer.json(&written::<VerifyDocument<'_>>(draft07)),
        SchemaDocument::Doctor => printer.json(&written::<DoctorDocument<'_>>(draft07)),
        SchemaDocument::State => printer.json(&written::<StateDocument<'_>>(draft07)),
        SchemaDocument::Explain => printer.json(&written::<Explained<'_>>(draft07)),
    }
    Exit::Done
}

/// For a document that purgit writes: fields that are always present are required.
fn written<T: JsonSchema>(draft07: SchemaSettings) -> Schema {
    let generator = draft07.for_serialize().into_generator();
    generator.into_root_schema_for::<T>()
}
