//! What CI systems tell of a run, and what purgit tells them.

mod channels;
mod context;
