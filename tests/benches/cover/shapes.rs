//! Made-up sites, the same for the same seed.

use super::site::Site;

/// Knuth's MMIX generator: the same figures on every machine.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Self(seed);
        random.below(1);
        random
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Sections of chapters of 50 pages; a fifth of all changed, some chapters much and most of them little.
pub(crate) fn sections(urls: u64, seed: u64) -> Site {
    let mut random = Random::new(seed);
    let chapters = urls / 50;
    let across = chapters.isqrt().max(1);
    let mut paths = Vec::new();
    for chapter in 0..chapters {
        let share = random.below(100).pow(2) / 100;
        for page in 0..50 {
            let path = format!("/s{}/c{}/{page}.html", chapter / across, chapter % across);
            paths.push((path, random.below(100) < share * 2 / 3));
        }
    }
    Site::new(paths)
}

/// Folders at random depths, of names so few that they nest; what changed is near what changed.
pub(crate) fn grown(urls: u64, seed: u64) -> Site {
    let mut random = Random::new(seed);
    let mut folders = vec![(String::from("/"), 20)];
    while (folders.len() as u64) < urls / 12 {
        let (around, share) =
            folders[usize::try_from(random.below(folders.len() as u64)).unwrap()].clone();
        let share = match random.below(4) {
            0 => random.below(100),
            _ => share,
        };
        let name = format!("{around}d{}/", folders.len());
        folders.push((name, share));
    }
    let page = |number| {
        let (folder, share) =
            &folders[usize::try_from(random.below(folders.len() as u64)).unwrap()];
        (format!("{folder}{number}.html"), random.below(100) < *share)
    };
    Site::new((0..urls).map(page))
}

/// Chains of 40 folders, each with pages beside the next folder.
pub(crate) fn chains(urls: u64, seed: u64) -> Site {
    const DEPTH: u64 = 40;
    const PAGES: u64 = 10;
    let mut random = Random::new(seed);
    let mut paths = Vec::new();
    for chain in 0..urls / DEPTH / PAGES {
        let mut folder = format!("/chain{chain}/");
        for depth in 0..DEPTH {
            paths.extend(
                (0..PAGES).map(|page| (format!("{folder}{page}.html"), random.below(100) < 20)),
            );
            folder.push_str(&format!("d{depth}/"));
        }
    }
    Site::new(paths)
}

/// One directory with everything in it.
pub(crate) fn flat(urls: u64, seed: u64) -> Site {
    let mut random = Random::new(seed);
    Site::new((0..urls).map(|page| (format!("/all/{page}.html"), random.below(100) < 20)))
}

/// Directories of 50 pages, ten of them changed in each: no choice is better than another.
pub(crate) fn equal(urls: u64) -> Site {
    Site::new((0..urls).map(|page| (format!("/d{}/{page}.html", page / 50), page % 5 == 0)))
}

/// Directories in which 5 to 14 pages changed and as many others did not as make all nearly equal bargains.
pub(crate) fn bargains(urls: u64, seed: u64) -> Site {
    let mut random = Random::new(seed);
    let mut paths = Vec::new();
    let mut directory = 0;
    while (paths.len() as u64) < urls {
        let changes = 5 + random.below(10);
        let unchanged = 4 * changes + random.below(3);
        let page = |page| (format!("/d{directory}/{page}.html"), page < changes);
        paths.extend((0..changes + unchanged).map(page));
        directory += 1;
    }
    Site::new(paths)
}
