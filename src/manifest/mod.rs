//! Stage 1: YAML text becomes validated resources, or every problem at once.

pub mod fields;
pub mod resource;
