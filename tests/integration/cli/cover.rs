//! A cover on the edge: what changed is fresh, what is outside of the directories is kept, and it is done
//! then.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use crate::common::{RUNTIME, World};
use crate::git::fixture::run_git;

/// Enough for directories in directories, small enough to look at every URL.
const FILES: usize = 80;

static CLIENT: LazyLock<reqwest::Client> =
    LazyLock::new(|| reqwest::Client::builder().no_proxy().build().unwrap());

/// Numbers that are the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % sides
    }
}

/// Paths of a site, with a few more in some directories than in others.
fn paths(dice: &mut Dice) -> BTreeSet<String> {
    let path = |_| {
        let depth = dice.roll(3) + 1;
        let mut path = String::new();
        for _ in 0..depth {
            path += &format!(
                "{}/",
                ["en", "de", "news", "img"][usize::try_from(dice.roll(4)).unwrap()]
            );
        }
        let name = match dice.roll(4) {
            0 => "index.html".to_owned(),
            _ => format!("{}.html", dice.roll(30)),
        };
        path + &name
    };
    (0..FILES).map(path).collect()
}

/// How the edge answers for a path: `HIT` or `MISS`, and the body.
fn look(world: &World, path: &str) -> (String, String) {
    let url = format!("{}{path}", world.cdn.edge_url().unwrap());
    RUNTIME.block_on(async {
        let response = CLIENT.get(url).send().await.unwrap();
        let cache = response.headers()["x-cache"].to_str().unwrap().to_owned();
        (cache, response.text().await.unwrap())
    })
}

fn site(world: &World) {
    world.write(
        "purges/site.yaml",
        "\
apiVersion: purgit/v1alpha1
kind: Site
metadata: { name: docs }
spec:
  endpoint: www
  baseUrl: https://www.example.com/
  content: { root: public }
",
    );
}

fn broaden(world: &World, broaden: &str) {
    let poll = "  poll: {";
    world.edit(
        "purgit.yaml",
        poll,
        &format!("  broaden: {broaden}\n{poll}"),
    );
}

/// A URL path of each entry of a file.
fn urls(path: &str) -> Vec<String> {
    let own = format!("/{path}");
    let folder = own.strip_suffix("index.html").map(str::to_owned);
    [Some(own), folder].into_iter().flatten().collect()
}

#[test]
fn after_a_cover_all_that_changed_is_fresh_and_nothing_else_was_thrown_away() {
    for seed in 1..=6 {
        let mut dice = Dice(seed);
        let limits = "filesPerDay: 12, directoriesPerDay: 5";
        let safety = "maxChangePercent: 100";
        let world = World::builder()
            .edge()
            .limits(limits)
            .safety(safety)
            .build();
        broaden(&world, "{ maxCollateral: 1000 }");
        site(&world);
        let paths = paths(&mut dice);
        for path in &paths {
            world.write(&format!("public/{path}"), &format!("old {path}"));
        }
        world.run("state baseline").code(0);
        let all: Vec<_> = paths.iter().flat_map(|path| urls(path)).collect();
        for url in &all {
            look(&world, url);
        }
        let is_changed = |_: &&String| dice.roll(3) == 0;
        let changed: BTreeSet<_> = paths.iter().filter(is_changed).cloned().collect();
        for path in &changed {
            world.write(&format!("public/{path}"), &format!("new {path}"));
        }
        let plan = world.run("plan --format json").json();
        let cover: BTreeMap<_, _> = plan["cover"]
            .as_array()
            .expect("a cover")
            .iter()
            .map(|one| {
                let directory = one["directory"].as_str().unwrap();
                let path = directory.strip_prefix("https://www.example.com").unwrap();
                (path.to_owned(), one["collateral"].as_u64().unwrap())
            })
            .collect();
        assert!(
            !cover.is_empty() && !cover.contains_key("/"),
            "{seed}: {plan}"
        );
        assert_eq!(plan["cover_gap"], 0);
        let output = world.run("apply --auto-approve").code(0);
        output.stdout_has("the cover is optimal");

        let mut thrown: BTreeMap<&str, u64> = cover.keys().map(|path| (&**path, 0)).collect();
        for path in &paths {
            for url in urls(path) {
                let (cache, body) = look(&world, &url);
                let around = cover
                    .keys()
                    .find(|directory| url.starts_with(directory.as_str()));
                if changed.contains(path) {
                    assert_eq!(
                        (&*cache, body),
                        ("MISS", format!("new {path}")),
                        "{seed}: {url}"
                    );
                } else if let Some(directory) = around {
                    *thrown.get_mut(&**directory).unwrap() += u64::from(cache == "MISS");
                } else {
                    assert_eq!(
                        (&*cache, body),
                        ("HIT", format!("old {path}")),
                        "{seed}: {url}"
                    );
                }
            }
        }
        for (directory, collateral) in &cover {
            // Whether a directory takes its own URL along is not known of this CDN; here it does.
            let own = u64::from(paths.contains(&format!("{}index.html", &directory[1..])));
            let more = thrown[&**directory] - collateral;
            assert!(more <= own, "{seed}: {directory} {collateral} {thrown:?}");
        }
        world.run("plan --detailed-exitcode").code(0);
    }
}

#[test]
fn a_run_that_was_left_waiting_learns_what_became_of_what_a_directory_covers() {
    let world = World::builder().limits("filesPerDay: 2").build();
    world.fault("stuck");
    broaden(&world, "{ maxCollateral: 1000 }");
    site(&world);
    for number in 0..9 {
        world.write(&format!("public/d/{number}.html"), "old");
    }
    world.run("apply --no-wait --auto-approve").code(8);
    let state = world.state();
    let pending = state.pending_operations.first().unwrap();
    assert_eq!(
        pending.directories[0].as_str(),
        "https://www.example.com/d/"
    );
    assert_eq!(world.purged(), ["https://www.example.com/d/"]);
    world
        .run("plan")
        .stdout_has("9 entries, nothing new to purge");
    world.cdn.finish(|_| true);
    let output = world.run("apply --auto-approve").code(0);
    output.stdout_has("9 Succeeded");
    world.run("plan --detailed-exitcode").code(0);
    assert_eq!(world.posts(), 1);
}

#[test]
fn a_cover_is_shown_in_every_format() {
    let world = World::builder().limits("filesPerDay: 3").build();
    site(&world);
    for number in 0..40 {
        world.write(&format!("public/en/{number}.html"), "old");
        world.write(&format!("public/de/{number}.html"), "old");
    }
    world.run("state baseline").code(0);
    for number in 0..36 {
        world.write(&format!("public/en/{number}.html"), "new");
    }
    world.edit(
        "purgit.yaml",
        "metadata: { name: emulated }\n",
        "metadata: { name: emulated }\nspec: { safety: { maxChangePercent: 90 } }\n",
    );
    let plan = world.run("plan").code(0);
    insta::assert_snapshot!(plan.stdout.lines().take(4).collect::<Vec<_>>().join("\n"), @"
    Plan: 36 entries to purge (1 directory; 36 entries go along), 44 entries as last purged
      [www] 1 request; quota of the day: 1 of 500 directories
      https://www.example.com/en/ covers 36 changes and refetches 4 unchanged
      the cover is optimal: no other directories refetch less
    ");
    let markdown = world.run("plan --format markdown");
    insta::assert_snapshot!(markdown.stdout.lines().take(8).collect::<Vec<_>>().join("\n"), @"
    ### Purges 1 directory on `www`

    1 request; 1 of 500 directories of today's quota; 36 content changed.

    1 directory in place of files; the cover is optimal: no other directories refetch less:

    - `https://www.example.com/en/` covers 36 changes and refetches 4 unchanged
    ");
    let json = world.run("plan --format json").json();
    insta::assert_snapshot!(json["cover"], @r#"[{"collateral":4,"covers":36,"directory":"https://www.example.com/en/","endpoint":"www"}]"#);
    assert_eq!(json["summary"]["collateral"], 4);
    assert_eq!(
        json["changes"][0]["covered_by"],
        "https://www.example.com/en/"
    );
    world
        .run("plan --explain site/docs/en/1.html")
        .stdout_has("Covered by")
        .stdout_has("https://www.example.com/en/");
    world.edit(
        "purgit.yaml",
        "filesPerDay: 3",
        "filesPerDay: 3, directoriesPerDay: 0",
    );
    world
        .run("plan")
        .code(0)
        .stdout_has("3 entries to purge (3 files), 33 deferred until ")
        .stdout_has("needs 33 more files, or one more directory: /en/ with 4 unchanged URLs");
    world.edit(
        "purgit.yaml",
        "directoriesPerDay: 0",
        "directoriesPerDay: 9",
    );
    broaden(&world, "{ maxCollateral: 3 }");
    world.run("plan").code(0).stdout_has(
        "[www] 1 directory with 4 unchanged URLs left out, over `maxCollateral`; `--force=max-collateral:www` purges them",
    );
    let forced = world.run("plan --force=max-collateral").code(0);
    forced.stdout_has("1 directory; 36 entries go along");
}

/// A site of two folders with 10 files each, large and small ones, of which 8 changed since `HEAD`.
fn two_folders() -> Option<World> {
    let limits = "filesPerDay: 9, directoriesPerDay: 1";
    let safety = "maxChangePercent: 100";
    let world = World::builder().limits(limits).safety(safety).build();
    site(&world);
    world.write(".gitignore", "/.purgit/\n/purgit.status.yaml\n");
    let write = |count: usize, word: &str| {
        for number in 0..count {
            let large = word.repeat(1_000);
            world.write(&format!("public/large/{number}.html"), &large);
            world.write(&format!("public/small/{number}.html"), word);
        }
    };
    write(10, "old");
    // Of the smaller folder one more is thrown away.
    world.write("public/small/more.html", "old");
    let git = |line: &str| run_git(&world.root(), &line.split(' ').collect::<Vec<_>>());
    for line in ["init -q", "add .", "commit -q -m old"] {
        git(line)?;
    }
    write(8, "new");
    for line in ["add .", "commit -q -m new"] {
        git(line)?;
    }
    Some(world)
}

#[test]
fn between_revisions_urls_are_listed_and_weighed_by_bytes_too() {
    let Some(world) = two_folders() else {
        return;
    };
    let by_urls = "https://www.example.com/large/ covers 8 changes and refetches 2 unchanged";
    let by_bytes = "https://www.example.com/small/ covers 8 changes and refetches 3 unchanged";
    broaden(&world, "{ maxCollateral: 1000 }");
    let urls = ["plan --since HEAD~1", "plan --since HEAD~1 --to HEAD"];
    world.run(urls[0]).code(0).stdout_has(by_urls);
    // What `--to` names has no `broaden`: a tenth of the entries may be thrown away.
    world.run(urls[1]).code(0).stdout_has(by_urls);
    world.edit("purgit.yaml", "1000 }", "1000, weigh: bytes }");
    world.run(urls[0]).code(0).stdout_has(by_bytes);
    let root = world.root();
    run_git(&root, &["commit", "-qam", "weigh"]).unwrap();
    world
        .run("plan --since HEAD~2 --to HEAD")
        .code(0)
        .stdout_has(by_bytes);
}

#[test]
fn what_is_asked_for_by_hand_is_never_broadened() {
    // No site is listed for it, so nobody could say what a directory throws away.
    let world = World::builder()
        .limits("filesPerDay: 2, directoriesPerDay: 5")
        .build();
    site(&world);
    for number in 0..30 {
        world.write(&format!("public/a/{number}.html"), "text");
    }
    let urls = [1, 2, 3].map(|number| format!("https://www.example.com/a/{number}.html"));
    world
        .run(&format!("purge {}", urls.join(" ")))
        .code(8)
        .stdout_has("2 Succeeded, 1 Deferred")
        .stdout_lacks("no directories make it fit");
    assert_eq!(world.purged(), urls[..2]);
}
