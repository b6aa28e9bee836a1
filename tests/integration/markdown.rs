//! `plan --format markdown`.

mod background;
mod document;
mod hostile;
mod limits;

use crate::common::World;

#[test]
fn a_small_plan_is_read_at_a_glance() {
    let world = World::new();
    world.purge("spring", &["/a.png", "/b.png"], &["/d/"], "1");
    let output = world.run("plan --format markdown").code(0);
    let (shown, typed) = output.stdout.split_once("```sh\n").unwrap();
    insta::assert_snapshot!(shown, @r#"
    ### Purges 2 files and 1 directory on `www`

    1 request; 2 of 2,000 files, 1 of 500 directories of today's quota; 3 added.

    | on `www` | purges | why |
    |---|---|---|
    | `purge/spring` in `purges/spring.yaml:3` | 2 files, 1 directory | 3 added |

    <details open><summary>3 changes</summary>

    ```diff
    @@ purge/spring @@
    + file      https://www.example.com/a.png  added
    + file      https://www.example.com/b.png  added
    + directory https://www.example.com/d/  added
    ```

    </details>

    4 safety checks passed. To apply just this plan:
    "#);
    assert!(
        typed.starts_with("purgit apply --expect-plan=sha256:"),
        "{typed}"
    );
    assert!(typed.ends_with("\n```\n"), "{typed}");
}

/// What is typed is taken: a check that is over its limit is forced in it, whether it was or not.
#[test]
fn checks_over_their_limits_are_shown_and_forced_in_what_is_typed() {
    let world = World::builder().safety("maxUrls: 0").build();
    world.purge("spring", &["/a.png", "/b.png"], &["/"], "1");
    let refused = world.run("plan --format markdown").code(4);
    let (shown, typed) = refused.stdout.split_once("```sh\n").unwrap();
    let caution = "\n> [!CAUTION]\n> **2 safety checks failed**, so `purgit apply` sends nothing unless it is forced.\n>\n\
                   > - `max-urls`: `[www] 1 URL in one plan, limit 0`\n> - `max-directories`: `[www] https://www.example.com/ is";
    assert!(shown.contains(caution), "{shown}");
    assert!(
        shown.starts_with("### Refused: would purge 1 directory on `www`\n"),
        "{shown}"
    );
    assert!(
        shown.ends_with("To apply just this plan all the same:\n\n"),
        "{shown}"
    );

    let forced = world
        .run("plan --format markdown --force=max-urls --force=max-directories:www")
        .code(0);
    let (shown, same) = forced.stdout.split_once("```sh\n").unwrap();
    assert_eq!(typed, same);
    assert!(
        shown.starts_with("### Purges 1 directory on `www`\n"),
        "{shown}"
    );
    let warning = "\n> [!WARNING]\n> **2 safety checks forced**: the plan is over a limit, and `purgit apply` is to carry it \
                   out all the same.\n>\n> - `max-urls`: `[www] 1 URL in one plan, limit 0`\n";
    assert!(shown.contains(warning), "{shown}");
    assert!(
        !shown.contains("CAUTION") && shown.contains("2 safety checks passed."),
        "{shown}"
    );

    let typed = typed.lines().next().unwrap();
    let options =
        "purgit apply --force=max-directories:www --force=max-urls:www --expect-plan=sha256:";
    assert!(typed.starts_with(options), "{typed}");
    world.run(typed.strip_prefix("purgit ").unwrap()).code(0);
    assert_eq!(world.purged().len(), 1);
}
