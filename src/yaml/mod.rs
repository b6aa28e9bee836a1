//! YAML text as a tree whose every node knows its place.
//!
//! Knows YAML only: which fields there are, and what they mean, is not decided here. Aliases share
//! the node they stand for, and what they would unfold to is counted, so that a small file cannot
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
