//! The cover is the best there is, by every measure that can be taken of it.

use std::collections::BTreeSet;

use proptest::prelude::*;
use purgit::plan::cover::{Cover, Price, Room, Served, Short, cover};

const PRICE: Price = Price {
    file: 500,
    directory: 2_000,
};

/// URLs with their weights, and which of them changed.
#[derive(Debug, Clone)]
struct Site(Vec<(String, u64, bool)>);

impl Site {
    fn of(urls: impl IntoIterator<Item = (String, u64, bool)>) -> Self {
        let mut urls: Vec<_> = urls.into_iter().collect();
        urls.sort();
        urls.dedup_by(|a, b| a.0 == b.0);
        Self(urls)
    }

    /// Each word a path: changed with a `+`, of weight 1.
    fn words(words: &str) -> Self {
        Self::of(words.split_whitespace().map(|word| {
            let path = word.strip_prefix('+');
            let url = format!("https://h.example{}", path.unwrap_or(word));
            (url, 1, path.is_some())
        }))
    }

    fn cover(&self, room: Room) -> Result<Cover, Short> {
        let served: Vec<_> = self.0.iter().map(served).collect();
        cover(&served, &|_| true, room, PRICE, false)
    }

    fn directories(&self) -> Vec<String> {
        let mut all = BTreeSet::new();
        for (url, ..) in &self.0 {
            let path = url.split('?').next().unwrap();
            let root = "https://".len() + path["https://".len()..].find('/').unwrap();
            let slashes = path.match_indices('/').filter(|(at, _)| *at > root);
            all.extend(slashes.map(|(at, _)| path[..=at].to_owned()));
        }
        all.into_iter().collect()
    }

    /// What a set of directories costs, if it is one that may be chosen and fits.
    fn cost(&self, chosen: &[String], room: Room) -> Option<(u64, u64)> {
        let nested = |a: &String| chosen.iter().any(|b| a != b && a.starts_with(b.as_str()));
        if chosen.iter().any(nested) {
            return None;
        }
        let below = |url: &str| {
            chosen
                .iter()
                .any(|directory| url.starts_with(directory.as_str()))
        };
        let files = self
            .0
            .iter()
            .filter(|(url, _, changed)| *changed && !below(url));
        let (files, directories) = (files.count() as u64, chosen.len() as u64);
        let fits = match room {
            Room::Apart {
                files: most,
                directories: dirs,
            } => files <= most && directories <= dirs,
            Room::Together(both) => files + directories <= both,
        };
        let thrown = self
            .0
            .iter()
            .filter(|(url, _, changed)| !changed && below(url));
        let thrown = thrown.map(|(_, weight, _)| weight).sum();
        let quota = files * u64::from(PRICE.file) + directories * u64::from(PRICE.directory);
        fits.then_some((thrown, quota))
    }

    /// The least cost of all sets of directories.
    fn by_brute_force(&self, room: Room) -> Option<(u64, u64)> {
        let all = self.directories();
        let sets = (0..1_u32 << all.len()).map(|set| {
            let chosen = all.iter().enumerate().filter(|(at, _)| set >> at & 1 == 1);
            chosen
                .map(|(_, directory)| directory.clone())
                .collect::<Vec<_>>()
        });
        sets.filter_map(|chosen| self.cost(&chosen, room)).min()
    }
}

fn served((url, weight, is_changed): &(String, u64, bool)) -> Served<'_> {
    Served {
        url,
        weight: *weight,
        is_changed: *is_changed,
    }
}

fn apart(files: u64, directories: u64) -> Room {
    Room::Apart { files, directories }
}

fn names(cover: &Cover) -> Vec<&str> {
    let names = cover.directories.iter().map(|chosen| &*chosen.directory);
    names
        .map(|name| name.trim_start_matches("https://h.example"))
        .collect()
}

#[test]
fn what_fits_is_covered_by_no_directory() {
    let site = Site::words("+/a/1 +/a/2 /b/1");
    let cover = site.cover(apart(2, 9)).unwrap();
    assert_eq!(
        (cover.directories.len(), cover.collateral, cover.gap),
        (0, 0, 0)
    );
}

#[test]
fn a_directory_is_the_deepest_that_covers_the_same_and_throws_away_least() {
    let site = Site::words("+/a/b/c/1 +/a/b/c/2 /a/b/x /a/y +/d/1 +/d/2 /d/3 /d/4 /d/5");
    let cover = site.cover(apart(2, 1)).unwrap();
    assert_eq!(names(&cover), ["/a/b/c/"]);
    assert_eq!((cover.collateral, cover.gap), (0, 0));
    let cover = site.cover(apart(1, 2)).unwrap();
    assert_eq!(names(&cover), ["/a/b/c/", "/d/"]);
    assert_eq!(cover.collateral, 3);
    let chosen = &cover.directories[1];
    assert_eq!((chosen.covers, chosen.collateral), (2, 3));
}

#[test]
fn the_root_of_a_host_is_never_chosen_and_what_is_missing_is_said() {
    let site = Site::words("+/1 +/2 +/3 +/a/1 +/a/2 /a/3 +/b/1");
    let short = site.cover(apart(2, 0)).unwrap_err();
    assert_eq!(short.files, 4);
    let next = short.next.unwrap();
    assert_eq!(next.directory, "https://h.example/a/");
    assert_eq!((next.covers, next.collateral), (2, 1));
    let short = site.cover(apart(2, 9)).unwrap_err();
    assert_eq!((short.files, short.next), (1, None));
    let short = site.cover(Room::Together(4)).unwrap_err();
    assert_eq!(
        (short.files, short.next),
        (1, None),
        "3 files, /a/ and /b/1 are 5"
    );
    assert_eq!(names(&site.cover(Room::Together(5)).unwrap()), ["/a/"]);
}

#[test]
fn weights_count_and_a_query_has_no_directories() {
    let urls = [
        ("https://h.example/a/1?q=/x/y", 1, true),
        ("https://h.example/a/2", 1, true),
        ("https://h.example/a/3", 900, false),
        ("https://h.example/b/1", 1, true),
        ("https://h.example/b/2", 1, true),
        ("https://h.example/b/3", 5, false),
        ("https://h.example/b/4", 5, false),
    ];
    let site = Site::of(urls.map(|(url, weight, changed)| (url.to_owned(), weight, changed)));
    let cover = site.cover(apart(2, 1)).unwrap();
    assert_eq!((names(&cover), cover.collateral), (vec!["/b/"], 10));
}

/// At some price `/a/b/` costs as much as its files: only one of both may count.
#[test]
fn a_directory_that_costs_what_its_files_cost_is_not_chosen_beside_them() {
    let site = Site::words(
        "/a/0 /a/1 +/a/b/0 +/a/b/1 +/a/b/2 +/a/b/3 +/a/b/4 +/a/c/0 +/a/c/1 /a/c/2 /a/c/3 \
         +/d/0 +/d/1 +/d/2 +/d/3 +/e/0",
    );
    let cover = site.cover(apart(8, 1)).unwrap();
    assert_eq!((names(&cover), cover.collateral), (vec!["/a/b/"], 0));
}

/// Of names so few that directories meet, and nest.
fn sites(urls: usize) -> impl Strategy<Value = Site> {
    let part = prop::sample::select(vec!["a", "b", "c"]);
    let path = prop::collection::vec(part, 0..4);
    let url = (path, 0..6_u8, 0..4_u64, any::<bool>());
    prop::collection::vec(url, 1..urls).prop_map(|urls| {
        Site::of(urls.into_iter().map(|(path, name, weight, changed)| {
            let folders: String = path.iter().map(|part| format!("{part}/")).collect();
            (
                format!("https://h.example/{folders}{name}"),
                weight,
                changed,
            )
        }))
    })
}

fn rooms() -> impl Strategy<Value = Room> {
    prop_oneof![
        (0..12_u64, 0..5_u64).prop_map(|(files, directories)| apart(files, directories)),
        (0..12_u64).prop_map(Room::Together),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nothing_is_better_of_all_there_is(site in sites(24), room in rooms()) {
        prop_assume!(site.directories().len() <= 12);
        let least = site.by_brute_force(room);
        match site.cover(room) {
            Ok(found) => {
                let chosen: Vec<_> = found.directories.iter().map(|one| one.directory.clone()).collect();
                let cost = site.cost(&chosen, room).expect("it fits");
                prop_assert_eq!(cost.0, found.collateral);
                prop_assert_eq!(found.gap, 0);
                let is_common = chosen.is_empty();
                prop_assert_eq!(cost.0, least.unwrap().0);
                prop_assert!(is_common || Some(cost) == least, "{:?} is not {:?}", cost, least);
            }
            Err(short) => {
                prop_assert_eq!(least, None);
                let more = match room {
                    Room::Apart { files, directories } => apart(files + short.files, directories),
                    Room::Together(both) => Room::Together(both + short.files),
                };
                prop_assert!(site.cover(more).is_ok());
                if let (Room::Apart { files, directories }, Some(next)) = (room, &short.next) {
                    let over = short.files.saturating_sub(next.covers);
                    prop_assert!(site.cover(apart(files + over, directories + 1)).is_ok());
                }
            }
        }
    }

    #[test]
    fn more_room_never_throws_away_more(site in sites(60), files in 0..12_u64, directories in 0..5_u64) {
        let Ok(cover) = site.cover(apart(files, directories)) else { return Ok(()) };
        for room in [apart(files + 1, directories), apart(files, directories + 1)] {
            prop_assert!(site.cover(room).unwrap().collateral <= cover.collateral);
        }
    }
}

/// A large site is covered, and how far from the best at most is known.
#[test]
fn a_large_site_is_covered_within_a_small_gap() {
    let mut seed = 7_u64;
    let mut random = |below: u64| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let mut urls = Vec::new();
    for section in 0..40 {
        for chapter in 0..50 {
            let share = random(100).pow(2) / 100;
            for page in 0..50 {
                let url = format!("https://h.example/{section}/{chapter}/{page}.html");
                urls.push((url, 1, random(100) < share * 2 / 3));
            }
        }
    }
    let site = Site::of(urls);
    let changes = site.0.iter().filter(|(.., changed)| *changed).count();
    assert!((15_000..25_000).contains(&changes), "{changes}");
    let cover = site.cover(apart(2_000, 500)).unwrap();
    let chosen: Vec<_> = cover
        .directories
        .iter()
        .map(|one| one.directory.clone())
        .collect();
    assert_eq!(
        site.cost(&chosen, apart(2_000, 500)).unwrap().0,
        cover.collateral
    );
    assert!(
        cover.gap * 100 <= cover.collateral,
        "{} of {}",
        cover.gap,
        cover.collateral
    );
}
