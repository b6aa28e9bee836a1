//! How long a cover takes: the algorithm alone, next to sorting the same URLs.

use std::hint::black_box;
use std::time::{Duration, Instant};

use purgit::plan::cover::{Room, cover};

use super::shapes;
use super::site::{PRICE, Site};

const RUNS: usize = 7;

/// A shape, its site, and how many files and directories may be purged.
type Case = (&'static str, fn(u64) -> Site, u64, u64, u64);

/// The same sites in each run.
const SEED: u64 = 7;

fn sections(urls: u64) -> Site {
    shapes::sections(urls, SEED)
}

fn grown(urls: u64) -> Site {
    shapes::grown(urls, SEED)
}

fn chains(urls: u64) -> Site {
    shapes::chains(urls, SEED)
}

fn flat(urls: u64) -> Site {
    shapes::flat(urls, SEED)
}

fn bargains(urls: u64) -> Site {
    shapes::bargains(urls, SEED)
}

const CASES: [Case; 12] = [
    ("sections", sections, 10_000, 200, 50),
    ("sections", sections, 100_000, 2_000, 500),
    ("sections", sections, 1_000_000, 20_000, 5_000),
    ("grown", grown, 10_000, 200, 50),
    ("grown", grown, 100_000, 2_000, 500),
    ("grown", grown, 1_000_000, 20_000, 5_000),
    ("chains", chains, 100_000, 2_000, 500),
    ("flat", flat, 100_000, 2_000, 500),
    ("equal", shapes::equal, 100_000, 2_000, 1_900),
    ("equal", shapes::equal, 100_000, 10_000, 1_500),
    ("bargains", bargains, 100_000, 2_000, 1_900),
    ("bargains", bargains, 100_000, 10_000, 1_000),
];

pub(crate) fn print() {
    println!("shape,urls,changes,files,directories,chosen,collateral,gap,cover_ms,sort_ms");
    for (name, site, urls, files, directories) in CASES {
        let site = site(urls);
        let served = site.served();
        let room = Room::Apart { files, directories };
        let take = || cover(black_box(&served), &|_| true, room, PRICE, false);
        let found = take();
        let mut shuffled: Vec<_> = served.iter().map(|served| served.url).collect();
        let mut random = shapes::Random::new(1);
        for at in (1..shuffled.len()).rev() {
            shuffled.swap(at, usize::try_from(random.below(at as u64 + 1)).unwrap());
        }
        let (mut covering, mut sorting) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            covering.push(timed(|| _ = black_box(take())));
            let mut urls = shuffled.clone();
            sorting.push(timed(|| urls.sort_unstable()));
            black_box(urls);
        }
        let found = found.map(|found| {
            (
                found.directories.len().to_string(),
                found.collateral.to_string(),
                found.gap,
            )
        });
        let (chosen, collateral, gap) = found.unwrap_or(("none".to_owned(), String::new(), 0));
        println!(
            "{name},{},{},{files},{directories},{chosen},{collateral},{gap},{:.1},{:.1}",
            site.len(),
            site.changes(),
            fastest(&covering),
            fastest(&sorting),
        );
    }
}

fn timed(run: impl FnOnce()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

/// Of the fastest, which other work on the machine delayed least, in milliseconds.
fn fastest(times: &[Duration]) -> f64 {
    let fastest = times.iter().min().copied().unwrap_or_default();
    fastest.as_secs_f64() * 1000.0
}
