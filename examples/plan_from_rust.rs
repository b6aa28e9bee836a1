//! The library in one screen: load a project folder, plan, print the plan's id and its changes.
//!
//! ```sh
//! cargo run --example plan_from_rust -- examples/minimal
//! ```

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use purgit::clock::{Clock as _, SystemClock};
use purgit::plan::select::Selection;
use purgit::{diagnostic, manifest, reconcile, state};

fn main() -> Result<(), Box<dyn Error>> {
    let root = std::env::args_os().nth(1).map_or(".".into(), PathBuf::from);
    std::io::stdout().write_all(report(&root)?.as_bytes())?;
    Ok(())
}

/// The plan of a project folder. No network, no credentials, and nothing is written.
pub(crate) fn report(root: &Path) -> Result<String, Box<dyn Error>> {
    let parsed = manifest::load(root)?;
    let Some(project) = parsed.project else {
        // Every problem at once, each with its place, its line and a hint.
        return Err(diagnostic::human(&parsed.problems, &parsed.sources, false).into());
    };
    let snapshot = state::open(&project, root).read()?;
    let plan = reconcile::plan(
        &project,
        &manifest::digest(&project),
        &snapshot,
        &Selection::default(),
        SystemClock.now(),
    )?;
    let mut report = format!("{}\n", plan.id);
    for change in &plan.changes {
        writeln!(
            report,
            "{} {}",
            change.reason.as_str(),
            change.key.address()
        )?;
    }
    Ok(report)
}
