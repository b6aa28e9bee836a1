//! Narrowing a plan: `--target` and `--exclude`.
