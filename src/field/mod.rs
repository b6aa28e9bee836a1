//! The fields of manifests. Each is written once: how it is read, its schema, and whether it affects
//! the plan. Knows no kind of manifest.
//!
//! A block is a mapping with known fields, a member is one of these fields, and a shape is the form of its
//! value. To add a field, add one line with a doc comment to the block; `UPDATE=1 cargo test` writes it into
//! the schema and the reference.

mod fields;
mod shape;
mod table;
mod text;
mod value;

pub use fields::Fields;
pub(crate) use fields::mapping;
pub(crate) use shape::{
    Found, Shape, boolean, duration, list, list_of, long, number, one_of, parsed, text, whole,
};
pub(crate) use table::{
    Block, Member, Need, Row, Show, block, field, given, group, joined, nested, typed,
};
pub(crate) use text::{
    api_url, api_url_before, guid, headers, instant, is_header_text, is_http_token, parse_instant,
    path, relative_folder, relative_path,
};
pub(crate) use value::{Value, Wrong, wrong};
