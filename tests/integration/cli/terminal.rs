//! On a terminal, somebody is asked.

use crate::common::{Process, World};
use crate::git::fixture::skipped;

const QUESTION: &str = "Only `yes` is accepted:";

/// A world with one URL to purge, and `apply` on a terminal, which has asked.
fn asked() -> Option<(World, Process)> {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    let Some(process) = world.start_on_terminal("apply") else {
        skipped("there is no `script` of util-linux to make a terminal");
        return None;
    };
    process.wait_for_stdout(QUESTION);
    Some((world, process))
}

#[test]
fn a_yes_is_carried_out() {
    let Some((world, mut process)) = asked() else {
        return;
    };
    process.type_in("yes\n");
    let output = process.finish().code(0);
    output
        .stdout_has("Purge 1 entry in 1 request?")
        // In colour.
        .stdout_has("\u{1b}[1mPlan:")
        .stdout_has("\u{1b}[1mApplied:\u{1b}[0m 1 Succeeded in 1 request");
    assert_eq!(world.posts(), 1);
}

#[test]
fn anything_else_is_not() {
    for answer in ["no\n", "y\n", "\n", "\u{4}"] {
        let Some((world, mut process)) = asked() else {
            return;
        };
        process.type_in(answer);
        let output = process.finish().code(1);
        output.stdout_has("not approved; nothing was purged");
        assert_eq!(world.posts(), 0, "{answer:?}");
        assert!(world.state().entries.is_empty());
    }
}

#[test]
fn one_ctrl_c_at_the_question_is_enough() {
    let Some((world, mut process)) = asked() else {
        return;
    };
    process.type_in("\u{3}");
    process.finish().code(130);
    assert_eq!(world.posts(), 0);
    // Nothing is held any more.
    world.run("apply").code(0);
}

#[test]
fn nobody_is_asked_who_said_so_or_has_nothing_to_purge() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    for line in ["apply --auto-approve", "apply"] {
        let Some(process) = world.start_on_terminal(line) else {
            return;
        };
        let output = process.finish().code(0);
        assert!(!output.stdout.contains(QUESTION), "{output:?}");
    }
    assert_eq!(world.posts(), 1);
}

#[test]
fn the_bar_fits_a_narrow_terminal() {
    let world = World::slow();
    world.purge("spring", &["/a.png", "/b.png"], &[], "1");
    let Some(process) = world.start_on_terminal_of(40, "apply --auto-approve") else {
        skipped("there is no `script` of util-linux to make a terminal");
        return;
    };
    process.wait_for_stdout(" waiting for the CDN");
    world.finish("");
    let output = process.finish().code(0);
    let drawn: Vec<_> = output
        .stdout
        .split(['\r', '\n'])
        .map(|line| anstream::adapter::strip_str(line).to_string())
        .filter(|line| line.contains(" of 2 "))
        .collect();
    assert!(!drawn.is_empty(), "{output:?}");
    for line in drawn {
        assert!(line.trim_end().chars().count() <= 40, "{line}");
    }
}
