//! Which requests may go out, and what is asked next.

use purgit::entry::EntryKey;
use purgit::operation::{Item, Operation, Serve};
use purgit::origin::{Gate, Kept, Readiness, Seen};

use super::{content, site_file};

/// An operation on files of the site, one item each.
fn operation(id: &str, paths: &[&str]) -> Operation {
    let items = paths.iter().map(|path| Item {
        group: "files".into(),
        key: (*path).into(),
        target: site_file(path).target,
    });
    let serves = paths.iter().enumerate().map(|(item, path)| Serve {
        key: site_file(path),
        generation: Some(content(path)),
        item,
    });
    Operation {
        id: id.to_owned(),
        endpoint: "www".into(),
        items: items.collect(),
        serves: serves.collect(),
    }
}

/// A gate with one question for each file; the questions are the places of the files.
fn gate(operations: &[&[&str]], sample: Option<usize>) -> Gate<usize> {
    let mut questions: Vec<(EntryKey, usize)> = Vec::new();
    let operations = operations.iter().zip(1..).map(|(paths, id)| {
        let needs = paths.iter().map(|path| {
            questions.push((site_file(path), questions.len()));
            vec![questions.len() - 1]
        });
        let needs = needs.collect();
        (operation(&id.to_string(), paths), needs)
    });
    let operations = operations.collect();
    Gate::new(questions, operations, sample, "seed")
}

fn seen(readiness: Readiness) -> Seen {
    Seen {
        readiness,
        why: format!("{readiness:?}"),
        hint: None,
    }
}

fn paths(operations: &[Operation]) -> Vec<Vec<&str>> {
    let serves = operations.iter().map(|operation| operation.serves.iter());
    serves
        .map(|serves| {
            serves
                .map(|serve| serve.key.path.as_deref().unwrap())
                .collect()
        })
        .collect()
}

fn kept(kept: &[Kept]) -> Vec<(&str, &str)> {
    kept.iter()
        .map(|one| (one.key.path.as_deref().unwrap(), &*one.why))
        .collect()
}

#[test]
fn a_request_goes_out_whole_or_waits_and_nothing_else_waits_for_it() {
    let mut gate = gate(&[&["a", "b"], &["c"]], None);
    assert_eq!(gate.open(), [0, 1, 2]);
    assert!(gate.release().is_empty());
    gate.note(0, seen(Readiness::Ready));
    gate.note(1, seen(Readiness::NotYet));
    gate.note(2, seen(Readiness::Ready));
    assert_eq!(paths(&gate.release()), [["c"]]);
    assert_eq!(gate.open(), [1]);
    gate.note(1, seen(Readiness::Ready));
    assert_eq!(paths(&gate.release()), [["a", "b"]]);
    assert_eq!(gate.end(true), (vec![], vec![]));
}

#[test]
fn when_the_time_is_up_what_is_there_goes_out_and_the_rest_is_kept() {
    let waiting = || {
        let mut gate = gate(&[&["a", "b", "c"], &["d"]], None);
        gate.note(0, seen(Readiness::Ready));
        gate.note(1, seen(Readiness::Unknown));
        gate.note(2, seen(Readiness::Ready));
        gate
    };
    let (parts, held) = waiting().end(true);
    assert_eq!(paths(&parts), [["a", "c"]]);
    let indexes: Vec<_> = parts[0].serves.iter().map(|serve| serve.item).collect();
    assert_eq!(indexes, [0, 1]);
    assert_eq!(
        kept(&held),
        [
            ("b", "Unknown"),
            ("d", "was not asked for it: other files are not there yet")
        ]
    );
    let (parts, held) = waiting().end(false);
    assert!(parts.is_empty());
    assert_eq!(held.len(), 4, "{held:?}");
}

#[test]
fn what_needs_nothing_waits_for_nothing() {
    let operation = operation("1", &["a"]);
    let mut gate: Gate<usize> = Gate::new(vec![], vec![(operation, vec![vec![]])], Some(1), "");
    assert_eq!(gate.release().len(), 1);
}

#[test]
fn of_a_sample_all_must_be_there_before_anything_goes_out() {
    let files = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let operations: Vec<_> = files.iter().map(std::slice::from_ref).collect();
    let mut gate = gate(&operations, Some(3));
    let asked: Vec<_> = gate.questions(&gate.open()).copied().collect();
    assert_eq!(asked.len(), 3);
    assert_eq!(gate.open(), [0, 1, 2]);
    gate.note(0, seen(Readiness::Ready));
    gate.note(1, seen(Readiness::Ready));
    assert!(gate.release().is_empty());
    gate.note(2, seen(Readiness::Ready));
    assert_eq!(gate.release().len(), 8);
}

#[test]
fn what_was_asked_least_is_asked_first() {
    let mut gate = gate(&[&["a"], &["b"], &["c"]], None);
    gate.note(0, seen(Readiness::NotYet));
    gate.note(1, seen(Readiness::NotYet));
    assert_eq!(gate.open(), [2, 0, 1]);
    assert_eq!(gate.waits().0, 3);
    assert_eq!(gate.waits().1.unwrap().why, "NotYet");
}

#[test]
fn a_directory_waits_for_every_file_that_it_serves() {
    // Two entries that one item serves.
    let mut operation = operation("1", &["a", "b"]);
    operation.items.truncate(1);
    operation.serves[1].item = 0;
    let questions = vec![(site_file("a"), 0), (site_file("b"), 1)];
    let mut gate = Gate::new(
        questions,
        vec![(operation, vec![vec![0], vec![1]])],
        None,
        "",
    );
    gate.note(0, seen(Readiness::Ready));
    gate.note(1, seen(Readiness::NotYet));
    assert!(gate.release().is_empty());
    let (parts, held) = gate.end(true);
    assert!(parts.is_empty());
    assert_eq!(
        kept(&held),
        [
            ("a", "does not have everything yet that this purge takes"),
            ("b", "NotYet")
        ]
    );
}
