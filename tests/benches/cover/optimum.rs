//! The least that can be thrown away, found in another way than the cover does: every number of files and
//! directories below every directory, in full tables, without bounds, prices or shortcuts.

use std::collections::BTreeMap;

use purgit::plan::cover::Room;

use super::site::{Site, directories, fits};

#[derive(Debug, Default)]
struct Directory<'a> {
    changes: u64,
    unchanged: u64,
    below: BTreeMap<&'a str, Directory<'a>>,
}

/// By directories, then by files that are purged singly: the least that is thrown away.
type Table = Vec<Vec<u64>>;

const NOT: u64 = u64::MAX;

/// What was asked for takes more steps than allowed.
#[derive(Debug)]
pub(crate) struct TooLarge;

/// The least collateral of all that fits, without the root; `None` where nothing fits.
///
/// # Errors
/// [`TooLarge`] after so many steps.
pub(crate) fn optimum(site: &Site, room: Room, steps: u64) -> Result<Option<u64>, TooLarge> {
    let mut top = Directory::default();
    for (path, changed) in site.paths() {
        let mut at = &mut top;
        for directory in directories(path) {
            at = at.below.entry(directory).or_default();
        }
        match changed {
            true => at.changes += 1,
            false => at.unchanged += 1,
        }
    }
    let most = match room {
        Room::Apart { files, directories } => (files, directories),
        Room::Together(both) => (both, both),
    };
    let mut left = steps;
    let mut table = singly(&top, most);
    for below in top.below.values() {
        table = together(&table, &of(below, most, &mut left)?.0, most, &mut left)?;
    }
    let cells = table.iter().enumerate().flat_map(|(directories, row)| {
        let cells = row.iter().enumerate();
        cells.map(move |(files, thrown)| (files as u64, directories as u64, *thrown))
    });
    let fitting = cells
        .filter(|(files, directories, thrown)| *thrown != NOT && fits(room, *files, *directories));
    Ok(fitting.map(|(.., thrown)| thrown).min())
}

/// Files of a directory itself, if so many are allowed.
fn singly(directory: &Directory<'_>, most: (u64, u64)) -> Table {
    let mut row = vec![NOT; usize::try_from(directory.changes.min(most.0)).unwrap() + 1];
    if directory.changes <= most.0 {
        row[usize::try_from(directory.changes).unwrap()] = 0;
    }
    vec![row]
}

/// The table of a directory, and what is unchanged below it.
fn of(
    directory: &Directory<'_>,
    most: (u64, u64),
    left: &mut u64,
) -> Result<(Table, u64), TooLarge> {
    let mut table = singly(directory, most);
    let mut unchanged = directory.unchanged;
    for below in directory.below.values() {
        let (of_below, more) = of(below, most, left)?;
        unchanged += more;
        table = together(&table, &of_below, most, left)?;
    }
    if most.1 > 0 {
        if table.len() == 1 {
            table.push(vec![NOT]);
        }
        table[1][0] = table[1][0].min(unchanged);
    }
    Ok((table, unchanged))
}

fn together(a: &Table, b: &Table, most: (u64, u64), left: &mut u64) -> Result<Table, TooLarge> {
    let length =
        |a: usize, b: usize, most: u64| (a + b - 1).min(usize::try_from(most).unwrap() + 1);
    let width = |table: &Table| table.iter().map(Vec::len).max().unwrap_or(1);
    let files = length(width(a), width(b), most.0);
    let mut sums = vec![vec![NOT; files]; length(a.len(), b.len(), most.1)];
    for (directories, row) in a.iter().enumerate() {
        for (more, other) in b.iter().enumerate().take(sums.len() - directories) {
            let steps = (row.len() * other.len()) as u64;
            *left = left.checked_sub(steps).ok_or(TooLarge)?;
            let sums = &mut sums[directories + more];
            for (files, thrown) in row.iter().enumerate().filter(|(_, thrown)| **thrown != NOT) {
                let others = other
                    .iter()
                    .enumerate()
                    .take(sums.len().saturating_sub(files));
                for (more, also) in others.filter(|(_, also)| **also != NOT) {
                    sums[files + more] = sums[files + more].min(thrown + also);
                }
            }
        }
    }
    Ok(sums)
}
