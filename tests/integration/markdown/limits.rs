//! What does not fit is left out and counted, at the limit to the character.

use purgit::output::json::v1::PlanDocument;
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
        for size in (3000..70_000).step_by(5333) {
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

/// A plan whose Markdown has just so many characters, with many changes and one note to fill it up.
fn of_size(size: usize) -> PlanDocument {
    let with = |changes, note: usize| {
        let mut value = value(changes, url);
        value["diagnostics"] = json!([{ "severity": "warning", "message": "x".repeat(note) }]);
        document(&value)
    };
    let count = |document: &PlanDocument| plan(document, NO_LIMIT).encode_utf16().count();
    let mut changes = 1;
    let mut step = 1024;
    while step > 0 {
        if count(&with(changes + step, 1)) <= size {
            changes += step;
        }
        step /= 2;
    }
    let filled = with(changes, 1 + size - count(&with(changes, 1)));
    assert_eq!(count(&filled), size);
    filled
}

#[test]
fn a_comment_has_all_it_can_have() {
    let Limit::Characters(most) = Limit::COMMENT else {
        panic!("a comment is counted in characters")
    };
    for (size, fits) in [(most - 1, true), (most, true), (most + 1, false)] {
        let document = of_size(size);
        let shown = plan(&document, Limit::COMMENT);
        assert_eq!(shown == plan(&document, NO_LIMIT), fits, "{size}");
        assert_eq!(shown.contains("Left out for their length"), !fits, "{size}");
        assert!(shown.encode_utf16().count() <= most, "{size}");
        assert!(
            read_as_github_does(&shown)
                .prose
                .contains("To apply just this plan")
        );
    }
}

/// What just enough, one more, and one less make of a plan.
#[test]
fn cut_plans_golden() {
    let mut value = value(38, |at| format!("t{at}"));
    for part in [
        "diagnostics",
        "manifest_changes",
        "commits",
        "quota",
        "checks",
    ] {
        value[part] = json!([]);
    }
    let document = document(&value);
    let whole = plan(&document, NO_LIMIT);
    for enough in [whole.len(), whole.len() + 1] {
        assert_eq!(plan(&document, Limit::Bytes(enough)), whole);
    }
    let cut = plan(&document, Limit::Bytes(whole.len() - 1));
    insta::assert_snapshot!(cut, @"
    ### Purges 38 files and 1 directory on `t0`

    1 request; 25 content changed, 13 content deleted.

    | on `t0` | purges | why |
    |---|---|---|
    | `site/t0` in `t0:0` | 7 files | 4 content changed, 3 content deleted |
    | `site/t1` in `t1:1` | 7 files | 5 content changed, 2 content deleted |
    | `site/t2` in `t2:2` | 7 files | 5 content changed, 2 content deleted |
    | `site/t3` in `t3:3` | 7 files | 4 content changed, 3 content deleted |
    | `site/t4` in `t4:4` | 7 files | 5 content changed, 2 content deleted |
    | `site/t5` in `t5:5` | 3 files | 2 content changed, 1 content deleted |

    <details><summary>38 changes</summary>

    ```diff
    @@ site/t0 @@
    - file      t0  content deleted  t0
    ! file      t1  content changed  t1
    ! file      t2  content changed (t2 -> t3)  t2
    - file      t3  content deleted  t3
    ! file      t4  content changed (t4 -> t5)  t4
    ! file      t5  content changed  t5
    - file      t6  content deleted  t6
    @@ site/t1 @@
    ! file      t7  content changed  t7
    ! file      t8  content changed (t8 -> t9)  t8
    - file      t9  content deleted  t9
    ! file      t10  content changed (t10 -> t11)  t10
    ! file      t11  content changed  t11
    - file      t12  content deleted  t12
    ! file      t13  content changed  t13
    @@ site/t2 @@
    ! file      t14  content changed (t14 -> t15)  t14
    - file      t15  content deleted  t15
    ! file      t16  content changed (t16 -> t17)  t16
    ! file      t17  content changed  t17
    - file      t18  content deleted  t18
    ! file      t19  content changed  t19
    ! file      t20  content changed (t20 -> t21)  t20
    @@ site/t3 @@
    - file      t21  content deleted  t21
    ! file      t22  content changed (t22 -> t23)  t22
    ! file      t23  content changed  t23
    - file      t24  content deleted  t24
    ! file      t25  content changed  t25
    ! file      t26  content changed (t26 -> t27)  t26
    - file      t27  content deleted  t27
    @@ site/t4 @@
    ! file      t28  content changed (t28 -> t29)  t28
    ! file      t29  content changed  t29
    # … 8 more changes
    ```

    </details>

    *Left out for their length: 8 of 38 changes.*

    To apply just this plan of commit `t4`:

    ```sh
    purgit apply --since=t5 --to=t6 --expect-plan=t0
    ```
    ");
}
