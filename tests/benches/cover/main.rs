//! The cover against what others do, and its time.
//!
//! ```text
//! cargo bench --bench cover                                made-up sites
//! cargo bench --bench cover -- PATH[@BRANCH][:FOLDER]…     and public histories: clones of your own
//! cargo bench --bench cover -- times                       how long a cover takes
//! ```
//!
//! Prints CSV, as it is kept in `docs/data/`; ends with a panic where a method's answer is wrong, or
//! another one's is better than the cover.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr
)] // As in tests.

mod histories;
mod methods;
mod optimum;
mod shapes;
mod site;
mod times;

use std::collections::BTreeSet;

use histories::History;
use methods::METHODS;
use purgit::plan::cover::Room;
use site::Site;

/// Made-up sites of each shape.
const SEEDS: u64 = 10;

/// Steps that the second search for the optimum may take in each case.
const STEPS: u64 = 200_000_000;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments
        .iter()
        .filter(|one| !one.starts_with("--"))
        .collect();
    if arguments.iter().any(|one| *one == "times") {
        return times::print();
    }
    println!(
        "source,from,to,urls,changes,files,directories,cover,gap,second,greedy,s3deploy,parents"
    );
    let mut tally = Tally::default();
    for seed in 0..SEEDS {
        tally.compare(&format!("sections,{seed},"), &shapes::sections(5_000, seed));
        tally.compare(&format!("grown,{seed},"), &shapes::grown(5_000, seed));
        tally.compare(&format!("bargains,{seed},"), &shapes::bargains(5_000, seed));
    }
    for text in arguments {
        let path = text.split(['@', ':']).next().unwrap_or_default();
        let name = std::path::Path::new(path)
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        for deploy in History::new(text).deploys() {
            tally.compare(
                &format!("{name},{},{}", deploy.from, deploy.to),
                &deploy.site,
            );
        }
    }
    eprintln!(
        "{} cases, {} of them found the same by the second search",
        tally.cases, tally.proven
    );
}

/// Rooms in which not all changes fit as files: two budgets and one.
fn rooms(changes: u64) -> Vec<Room> {
    let apart = [(2, 5), (4, 20), (10, 50)].map(|(part, directories)| Room::Apart {
        files: changes / part,
        directories,
    });
    // 8 is what s3deploy allows itself.
    let together: BTreeSet<_> = [8, changes / 10, changes / 4].into();
    let together = together
        .into_iter()
        .filter(|both| *both >= 8 && *both < changes);
    apart
        .into_iter()
        .chain(together.map(Room::Together))
        .collect()
}

#[derive(Debug, Default)]
struct Tally {
    cases: usize,
    proven: usize,
}

impl Tally {
    /// Prints a line for each room.
    fn compare(&mut self, source: &str, site: &Site) {
        let changes = site.changes();
        if changes < 10 {
            return;
        }
        for room in rooms(changes) {
            let found = site.purgit(room);
            let others = METHODS.map(|(name, method)| {
                let thrown = site.collateral(&method(site, room), room);
                let best = found.as_ref().ok().map(|found| found.collateral);
                let is_worse = thrown.is_some_and(|thrown| best.is_none_or(|best| best > thrown));
                assert!(
                    !is_worse,
                    "{source} {room:?}: {found:?}, {name}: {thrown:?}"
                );
                thrown.map_or("root".to_owned(), |thrown| thrown.to_string())
            });
            let second = optimum::optimum(site, room, STEPS).ok();
            if let Some(least) = second {
                let found = found.as_ref().ok();
                let most = found.map(|found| found.collateral);
                let gap = found.map_or(0, |found| found.gap);
                assert_eq!(most.is_some(), least.is_some(), "{source} {room:?}");
                let over = most
                    .zip(least)
                    .map(|(most, least)| most.checked_sub(least).unwrap());
                assert!(
                    over <= Some(gap),
                    "{source} {room:?}: {most:?} with {gap}, not {least:?}"
                );
                self.proven += 1;
            }
            let figure =
                |thrown: Option<u64>| thrown.map_or("none".to_owned(), |thrown| thrown.to_string());
            let second = second.map(figure).unwrap_or_default();
            self.cases += 1;
            let (files, directories) = match room {
                Room::Apart { files, directories } => (files, directories.to_string()),
                Room::Together(both) => (both, String::new()),
            };
            let cover = figure(found.as_ref().ok().map(|found| found.collateral));
            let gap = found.as_ref().map_or(0, |found| found.gap);
            let [greedy, s3deploy, parents] = others;
            println!(
                "{source},{},{changes},{files},{directories},{cover},{gap},{second},{greedy},{s3deploy},{parents}",
                site.len(),
            );
        }
    }
}
