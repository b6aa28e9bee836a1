//! What does not fit is left out and counted, at the limit to the character.

use purgit::output::markdown::{Limit, plan};
use serde_json::json;

use super::document::{document, read_as_github_does, refused, value};

fn url(at: usize) -> String {
    format!("https://www.example.com/größe/名前-😀-{at}.png")
}

const NO_LIMIT: Limit = Limit::Characters(usize::MAX);

type Unit = fn(usize) -> Limit;
type Count = fn(&str) -> usize;

/// Both units, with what counts them independently.
const UNITS: [(Unit, Count); 2] = [
    (Limit::Characters, |text| text.encode_utf16().count()),
    (Limit::Bytes, str::len),
];

#[test]
fn a_plan_that_just_fits_is_whole() {
    for changes in [1, 30, 3000] {
        for value in [value(changes, url), refused(value(changes, url))] {
            let document = document(&value);
            let whole = plan(&document, NO_LIMIT);
            assert!(!whole.contains("Left out"), "{whole}");
            for (limit, count) in UNITS {
                let size = count(&whole);
                assert_eq!(plan(&document, limit(size)), whole);
                assert_eq!(plan(&document, limit(size + 1)), whole);
                let cut = plan(&document, limit(size - 1));
                assert!(cut.contains("Left out for their length"), "{cut}");
                assert!(count(&cut) < size, "{} of {size}", count(&cut));
            }
        }
    }
}

#[test]
fn limits_are_kept_and_used() {
    let document = document(&refused(value(3000, url)));
    for (limit, count) in UNITS {
        for size in (3000..70_000).step_by(1777) {
            let cut = plan(&document, limit(size));
            let used = count(&cut);
            assert!(used <= size, "{used} of {size}");
            // Whole lines, and what says what is missing.
            assert!(used + 1500 > size, "{used} of {size}");
            assert!(cut.contains("30 safety checks failed"), "{cut}");
            assert!(cut.ends_with("\n```\n"), "{cut}");
        }
    }
}

#[test]
fn what_is_left_out_is_counted() {
    let document = document(&value(3000, url));
    let cut = plan(&document, Limit::Characters(20_000));
    let seen = read_as_github_does(&cut);
    let lines = seen.blocks.iter().flat_map(|(_, text)| text.lines());
    let shown = lines.filter(|line| line.contains("file      ")).count();
    assert!(shown > 50, "{shown}\n{cut}");
    let missing = 3000 - shown;
    let said = format!("{},{:03} of 3,000 changes", missing / 1000, missing % 1000);
    assert!(seen.prose.contains(&said), "{said}: {}", seen.prose);
}

#[test]
fn a_cut_plan_golden() {
    let mut value = value(30, |at| format!("t{at}"));
    for part in ["diagnostics", "manifest_changes", "commits", "quota"] {
        value[part] = json!([]);
    }
    let document = document(&refused(value));
    let size = plan(&document, NO_LIMIT).len();
    let cut = plan(&document, Limit::Bytes(size - 400));
    insta::assert_snapshot!(cut, @r#"
    ### Refused: would purge 30 files and 1 directory on `t0`

    1 request; 20 content changed, 10 content deleted.

    > [!CAUTION]
    > **30 safety checks failed**, so `purgit apply` sends nothing. If it is meant, type `purgit apply --force=t0:t0`, and likewise for the other 29.
    >
    > - `t0`: `t0`
    > - `t1`: `t1`
    > - `t2`: `t2`
    > - `t3`: `t3`
    > - `t4`: `t4`
    > - `t5`: `t5`
    > - `t6`: `t6`
    > - `t7`: `t7`
    > - `t8`: `t8`
    > - `t9`: `t9`
    > - `t10`: `t10`
    > - `t11`: `t11`
    > - `t12`: `t12`
    > - `t13`: `t13`
    > - `t14`: `t14`
    > - `t15`: `t15`
    > - `t16`: `t16`
    > - `t17`: `t17`
    > - `t18`: `t18`
    > - `t19`: `t19`
    > - `t20`: `t20`
    > - `t21`: `t21`
    > - `t22`: `t22`
    > - `t23`: `t23`
    > - `t24`: `t24`
    > - `t25`: `t25`
    > - `t26`: `t26`
    > - `t27`: `t27`
    > - `t28`: `t28`
    > - `t29`: `t29`

    | on `t0` | purges | why |
    |---|---|---|
    | `site/t0` in `t0:0` | 7 files | 4 content changed, 3 content deleted |
    | `site/t1` in `t1:1` | 7 files | 5 content changed, 2 content deleted |
    | `site/t2` in `t2:2` | 7 files | 5 content changed, 2 content deleted |
    | `site/t3` in `t3:3` | 7 files | 4 content changed, 3 content deleted |
    | `site/t4` in `t4:4` | 2 files | 2 content changed |

    <details><summary>30 changes</summary>

    ```diff
    @@ site/t0 @@
    - file      t0  content deleted  t0
    + file      t1  content changed  t1
    ! file      t2  content changed (t2 -> t3)  t2
    - file      t3  content deleted  t3
    ! file      t4  content changed (t4 -> t5)  t4
    + file      t5  content changed  t5
    - file      t6  content deleted  t6
    @@ site/t1 @@
    + file      t7  content changed  t7
    ! file      t8  content changed (t8 -> t9)  t8
    - file      t9  content deleted  t9
    ! file      t10  content changed (t10 -> t11)  t10
    + file      t11  content changed  t11
    - file      t12  content deleted  t12
    + file      t13  content changed  t13
    # … 16 more changes
    ```

    </details>

    *Left out for their length: 16 of 30 changes.*

    To apply just this plan of commit `t4`:

    ```sh
    purgit apply --since=t5 --to=t6 --expect-plan=t0
    ```
    "#);
}
