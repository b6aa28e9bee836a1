//! The binary: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    purgit::cli::main(std::env::args_os())
}

/// A plan makes a few texts for every file, on all processors at once: glibc's allocator takes a
/// third more time for that, most of it in the kernel.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
