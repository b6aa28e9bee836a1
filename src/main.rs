//! The binary: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    purgit::cli::main(std::env::args_os())
}

/// A plan allocates a few strings per file, on all processors at once: glibc's allocator takes a third
/// longer for that, mostly in the kernel.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
