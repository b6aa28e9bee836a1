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
use purgit::view::{Detail, Views};
use purgit::workspace::caches::Caches;
use purgit::workspace::places;
use purgit::workspace::sides::Sides;
use purgit::{diagnostic, manifest, reconcile};

fn main() -> Result<(), Box<dyn Error>> {
    let root = std::env::args_os().nth(1).map_or(".".into(), PathBuf::from);
    std::io::stdout().write_all(report(&root)?.as_bytes())?;
    Ok(())
}

/// The plan of a project folder. Needs no network and no credentials. It writes
/// only the stat cache of a site, which saves time.
pub(crate) fn report(root: &Path) -> Result<String, Box<dyn Error>> {
    let parsed = manifest::load(root)?;
    let Some(project) = parsed.project else {
        // All problems at once, each with its line and a hint.
        return Err(diagnostic::human(&parsed.problems, &parsed.sources, root, false).into());
    };
    // What is wanted: the manifests, and the files of their sites.
    let (now, mut caches) = (SystemClock.now(), Caches::new(root));
    let sides = Sides::on_disk(&project, root, &mut caches, now)?;
    // What is confirmed, and the difference between the two.
    let store = places::state(&project, root)?;
    let views = Views::new(store, None);
    let (view, both) = reconcile::look(&project, &views, &sides, Detail::Differences, now)?;
    let (digest, all) = (manifest::digest(&project), Selection::default());
    let plan = reconcile::plan(&project, &digest, &both, &view, &all, &[], now)?;
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
