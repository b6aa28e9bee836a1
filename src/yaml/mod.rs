//! YAML text as a tree in which every node knows its place. Knows no fields.
//!
//! Aliases share the node that they refer to. Their expanded size is limited, so that a small file cannot
//! become a large tree.

mod build;
pub mod edit;
pub mod mask;
mod messages;
pub mod problem;
mod tree;

pub use build::read;
pub use tree::{
    Bounds, Content, MAX_ALIASED_NODES, MAX_DEPTH, MAX_FILE_BYTES, MAX_NODES, Node, Pair, Scalar,
    Stream,
};
