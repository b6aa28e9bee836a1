//! The comment on a pull or merge request, against fakes of the two APIs.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes only the bodies of tests for tests"
)]

mod approved;
pub(crate) mod binary;
pub(crate) mod forge;
mod keeping;
mod pure;
mod trouble;
