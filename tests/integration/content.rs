//! Listing content: what is in, what is out, and that disk and git tree agree.

mod agree;
mod cache;
mod disk;

use purgit::content::{Rules, Selection};

/// A selection from globs.
fn selection(include: &[&str], exclude: &[&str]) -> Selection {
    let owned = |globs: &[&str]| globs.iter().map(ToString::to_string).collect();
    Selection::compile(&Rules {
        include: owned(include),
        exclude: owned(exclude),
        ..Rules::default()
    })
    .unwrap()
}
