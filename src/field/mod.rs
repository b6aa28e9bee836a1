//! The fields of manifests, each written once: how it is read, what the schema and the reference
//! say of it, and whether it decides what is done.
//!
//! Knows no kind of manifest. A [`Block`] is a mapping with known fields, a [`Member`] is one
//! of them, a [`Shape`] is what its value looks like.
//!
//! # How to add a field
//! Add one line with its doc comment to the block; see `block!`. `UPDATE=1 cargo test` writes it into
//! the schema and the reference.

mod fields;
mod form;
mod shape;
mod table;
mod text;
mod value;

pub use fields::{Fields, mapping};
pub use form::{Form, Need, Row};
pub use shape::{
    Found, Shape, boolean, duration, list, list_of, number, one_of, parsed, text, url, whole,
};
pub use table::{Block, Member, Show, field, form_of, given, group, nested};
pub(crate) use table::{block, joined, typed};
pub use text::{api_url, guid, instant, path, relative_folder, relative_path};
pub use value::{MAX_TEXT_BYTES, Value, Wrong};
