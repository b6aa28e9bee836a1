//! What is done about a comment, given those that are there.

use purgit::comment::{Comment, Marker, OnNoChanges, Outcome, Wanted, Write};

fn comment(id: u64, author: &str, body: &str) -> Comment {
    Comment {
        id,
        author: author.to_owned(),
        body: body.to_owned(),
    }
}

fn wanted(nothing_to_say: Option<OnNoChanges>) -> Wanted {
    Wanted {
        marker: Marker::new("www", None),
        text: "text\n".to_owned(),
        nothing_to_say,
    }
}

#[test]
fn every_case_is_decided() {
    type Case = (Vec<Comment>, Option<OnNoChanges>, &'static [Write], Outcome);
    const MARK: &str = "<!-- purgit: project=www -->";
    let old = |id| comment(id, "me", &format!("{MARK}\nold"));
    let same = comment(3, "me", &format!("{MARK}\r\ntext"));
    let table: [Case; 12] = [
        (vec![], None, &[Write::Create], Outcome::Created),
        (vec![old(3)], None, &[Write::Update(3)], Outcome::Updated),
        (vec![same.clone()], None, &[], Outcome::Unchanged),
        (
            vec![old(9), same.clone(), old(5)],
            None,
            &[Write::Delete(5), Write::Delete(9)],
            Outcome::Unchanged,
        ),
        (
            vec![old(2), same.clone()],
            None,
            &[Write::Update(2), Write::Delete(3)],
            Outcome::Updated,
        ),
        (vec![], Some(OnNoChanges::Update), &[], Outcome::Absent),
        (vec![], Some(OnNoChanges::Delete), &[], Outcome::Absent),
        (vec![], Some(OnNoChanges::Keep), &[], Outcome::Absent),
        (
            vec![old(3)],
            Some(OnNoChanges::Update),
            &[Write::Update(3)],
            Outcome::Updated,
        ),
        (
            vec![same],
            Some(OnNoChanges::Update),
            &[],
            Outcome::Unchanged,
        ),
        (
            vec![old(3), old(4)],
            Some(OnNoChanges::Delete),
            &[Write::Delete(3), Write::Delete(4)],
            Outcome::Deleted,
        ),
        (
            vec![old(3), old(4)],
            Some(OnNoChanges::Keep),
            &[Write::Delete(4)],
            Outcome::Unchanged,
        ),
    ];
    for (comments, nothing, writes, outcome) in table {
        let decision = wanted(nothing).decide("me", &comments);
        assert_eq!(decision.writes, writes, "{comments:?} {nothing:?}");
        assert_eq!(decision.outcome, outcome, "{comments:?} {nothing:?}");
    }
}

#[test]
fn only_the_first_line_of_our_own_comments_counts() {
    let mark = "<!-- purgit: project=www -->";
    let others = [
        comment(1, "somebody", &format!("{mark}\ntext")),
        comment(2, "me", &format!("> {mark}\ntext")),
        comment(3, "me", &format!("text\n{mark}")),
        comment(4, "me", &format!("{mark} text")),
        comment(
            5,
            "me",
            "<!-- purgit: project=www environment=staging -->\ntext",
        ),
        comment(6, "me", ""),
    ];
    let decision = wanted(None).decide("me", &others);
    assert_eq!(decision.writes, [Write::Create]);
}

#[test]
fn names_cannot_forge_a_marker() {
    let mark = |project, environment| Marker::new(project, environment).mark("");
    assert_eq!(mark("www", None), "<!-- purgit: project=www -->\n");
    assert_eq!(
        mark("www", Some("eu 1")),
        "<!-- purgit: project=www environment=eu%201 -->\n"
    );
    let names = [
        "www environment=a",
        "www -->\n<!-- purgit: project=other -->",
        "--!><script>",
        "%20",
        "é\u{202e}",
        "",
    ];
    for name in names {
        for marked in [mark(name, None), mark("www", Some(name))] {
            assert_eq!(marked.lines().count(), 1, "{marked}");
            assert_eq!(marked.matches("<!--").count(), 1, "{marked}");
            assert_eq!(marked.matches('>').count(), 1, "{marked}");
            assert_eq!(
                marked.matches('=').count(),
                1 + usize::from(marked.contains(" environment="))
            );
            assert!(marked.is_ascii(), "{marked}");
        }
    }
    assert_ne!(mark("www", None), mark("www", Some("")));
    assert_ne!(mark("%20", None), mark(" ", None));
}

#[test]
fn a_marker_knows_its_length() {
    let marker = Marker::new("é", Some("--"));
    assert_eq!(marker.chars(), marker.mark("").chars().count());
}
