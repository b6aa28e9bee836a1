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
    | `purge/spring` in `purges/spring.yaml:3` | 1 directory, 2 files | 3 added |

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
