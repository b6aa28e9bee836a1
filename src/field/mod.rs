//! The fields of manifests, each written once: how it is read, what the schema says of it, and
//! whether it decides what is done. Knows no kind of manifest.
//!
//! A [`Block`] is a mapping with known fields, a [`Member`] is one of them, and a [`Shape`] is what
//! its value looks like. To add a field, add one line with its doc comment to the block;
//! `UPDATE=1 cargo test` writes it into the schema and the reference.

mod fields;
mod shape;
mod table;
mod text;
mod value;

pub use fields::{Fields, mapping};
pub use shape::{
    Found, Shape, boolean, duration, list, list_of, long, number, one_of, parsed, text, whole,
};
pub use table::{Block, Member, Need, Row, Show, field, given, group, nested};
pub(crate) use table::{block, joined, typed};
pub use text::{api_url, guid, instant, path, relative_folder, relative_path};
pub use value::{MAX_TEXT_BYTES, Value, Wrong};
