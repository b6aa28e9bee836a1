//! Turns YAML text into validated resources, or reports every problem at once.
//!
//! [`parse`] is pure: it gets the texts as values, from a folder ([`load()`]) or from elsewhere. A
//! text becomes a tree ([`crate::yaml`]), a tree becomes drafts (`document`, and the blocks in
//! [`resource`]), and all drafts together become a [`resource::Project`] (`resolve`).

mod digest;
mod document;
pub mod glob;
mod load;
mod own_files;
mod reading;
mod resolve;
pub mod resource;
pub mod schema;
pub mod suspending;

pub use digest::digest;
pub use document::MAX_NAME_BYTES;
pub use load::{LoadError, MAX_FILES, load, placed};
pub use reading::{Counts, ManifestFile, Parsed, Reading, parse, target_place};
pub use resource::{
    DEFAULT_MANIFESTS, DEFAULT_STATE_FILE, DEFAULT_STATUS_FILE, MAX_GLOBS, ROOT_FILE,
};
