//! The cover is at least as good as what others do, and as a second search finds, on sites larger than
//! all sets of directories can be tried on. The others are those of `tests/benches/cover`.

#[path = "../../benches/cover/methods.rs"]
mod methods;
#[path = "../../benches/cover/optimum.rs"]
mod optimum;
#[path = "../../benches/cover/site.rs"]
mod site;

use methods::{METHODS, collapse};
use optimum::optimum;
use proptest::prelude::*;
use purgit::plan::cover::Room;
use site::Site;

/// More than any site here takes.
const STEPS: u64 = 1_000_000_000;

/// Shapes of deploys of public documentation: of each directory, in pre-order, how deep it is, how many
/// of its files changed and how many did not. Names are made up. `content` of gohugoio/hugoDocs from 59f85b7 to
/// 1c61334, `reference` of MicrosoftDocs/PowerShell-Docs from 3559116 to 27138b2, tldr-pages/tldr from ec8a044
/// to 08e345f.
const SHAPES: [(&str, &str); 3] = [
    (
        "hugo-docs",
        include_str!("../../fixtures/cover/hugo-docs.txt"),
    ),
    (
        "powershell-docs",
        include_str!("../../fixtures/cover/powershell-docs.txt"),
    ),
    ("tldr", include_str!("../../fixtures/cover/tldr.txt")),
];

fn apart(files: u64, directories: u64) -> Room {
    Room::Apart { files, directories }
}

fn shaped(shape: &str) -> Site {
    let mut open: Vec<String> = Vec::new();
    let mut paths = Vec::new();
    for (number, line) in shape.lines().enumerate() {
        let figures: Vec<usize> = line.split(' ').map(|word| word.parse().unwrap()).collect();
        let [depth, changed, unchanged] = *figures else {
            panic!("not three figures: {line}");
        };
        open.truncate(depth);
        if depth > 0 {
            open.push(format!("d{number}/"));
        }
        let folder = open.concat();
        paths.extend(
            (0..changed + unchanged).map(|file| (format!("/{folder}{file}"), file < changed)),
        );
    }
    Site::new(paths)
}

/// The cover is no worse than any other, and equal to what the second search finds.
fn judge(site: &Site, room: Room) {
    let found = site.purgit(room).ok();
    let best = found.map(|found| found.collateral);
    for (name, method) in METHODS {
        if let Some(thrown) = site.collateral(&method(site, room), room) {
            assert!(
                best.is_some_and(|best| best <= thrown),
                "{room:?}: {best:?}, {name}: {thrown}"
            );
        }
    }
    assert_eq!(
        best,
        optimum(site, room, STEPS).expect("a small site"),
        "{room:?}"
    );
    assert_eq!(found.map_or(0, |found| found.gap), 0, "{room:?}");
}

#[test]
fn no_method_is_better_on_deploys_of_public_documentation() {
    for (name, shape) in SHAPES {
        let site = shaped(shape);
        let changes = site.changes();
        assert!(
            site.len() >= 500 && changes >= 50,
            "{name}: {changes} of {}",
            site.len()
        );
        for (part, directories) in [(2, 3), (4, 8), (10, 20)] {
            judge(&site, apart(changes / part, directories));
            judge(&site, Room::Together(changes / part / 2));
        }
        judge(&site, Room::Together(8));
    }
}

/// Of names so few that directories nest, with what changed near what changed.
fn sites() -> impl Strategy<Value = Site> {
    let path = prop::collection::vec(0..3_u8, 0..4);
    let folder = (path, 0..9_u8, 0..9_u8);
    prop::collection::vec(folder, 1..16).prop_map(|folders| {
        let pages = folders.into_iter().flat_map(|(path, changed, unchanged)| {
            let folder: String = path.iter().map(|part| format!("{part}/")).collect();
            let page = move |page| (format!("/{folder}{page}.html"), page < changed);
            (0..changed + unchanged).map(page)
        });
        Site::new(pages)
    })
}

fn rooms() -> impl Strategy<Value = Room> {
    prop_oneof![
        (0..40_u64, 0..8_u64).prop_map(|(files, directories)| apart(files, directories)),
        (0..30_u64).prop_map(Room::Together),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_method_is_better(site in sites(), room in rooms()) {
        judge(&site, room);
    }

    #[test]
    fn more_room_never_throws_away_more_and_one_budget_is_never_worse(
        site in sites(), files in 0..40_u64, directories in 0..8_u64,
    ) {
        let Ok(found) = site.purgit(apart(files, directories)) else { return Ok(()) };
        let larger = [apart(files + 1, directories), apart(files, directories + 1), Room::Together(files + directories)];
        for room in larger {
            prop_assert!(site.purgit(room).unwrap().collateral <= found.collateral);
        }
    }
}

/// As in s3deploy's own test, `TestReduceInvalidationPaths` of `lib/cloudfront_test.go`.
#[test]
fn s3deploy_is_what_it_is() {
    let reduced = |threshold: usize, paths: &[String]| {
        let items = collapse(paths.to_vec(), |items| items.len() <= threshold);
        items.join(" ")
    };
    let words = |words: &str| -> Vec<_> { words.split(' ').map(str::to_owned).collect() };
    let numbered = |folder: &str, each_its_own: bool, files: usize| -> Vec<String> {
        let path = |file: usize| match each_its_own {
            true => format!("/{folder}-{file}/{file}.css"),
            false => format!("/{folder}/{file}.css"),
        };
        (0..files).map(path).collect()
    };
    let top = words("/index.html /styles.css");
    assert_eq!(
        reduced(5, &[&*top, &numbered("css", false, 20)].concat()),
        "/ /css/* /styles.css"
    );
    assert_eq!(
        reduced(5, &[&*top, &numbered("css", true, 20)].concat()),
        "/*"
    );
    let deep = [
        "blog",
        "blog/l1",
        "blog/l1/l2/l3/l5",
        "blog/l1/l3",
        "about/l1/l2/l3",
    ];
    let deep: Vec<_> = deep
        .iter()
        .flat_map(|folder| numbered(folder, false, 10))
        .collect();
    let apart = numbered("about/l1", true, 10);
    assert_eq!(
        reduced(5, &[&*top, &deep, &apart].concat()),
        "/ /about/* /blog/* /styles.css"
    );
    let two = words("/a/b1/a.css /a/b2/b.css");
    assert_eq!(reduced(3, &two), "/a/b1/a.css /a/b2/b.css");
    assert_eq!(reduced(1, &two), "/a/*");
    assert_eq!(reduced(5, &words("/b/index.html")), "/b/");
}
