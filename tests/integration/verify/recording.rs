//! What a state makes of evidence: what is stale is purged again, and only that.

use purgit::diff::{Reason, diff};
use purgit::entry::{Entry, EntryKey, Generation};
use purgit::state::{Outcome, Record, State};
use purgit::verify::{Proof, Verdict};

use super::{content, site_file};
use crate::state_fixture::{at, confirmed, evidence, operation};

fn proof(generation: Option<&Generation>, verdict: Option<Verdict>) -> Proof {
    Proof {
        generation: generation.cloned(),
        earlier: Vec::new(),
        repeats: 0,
        since: Some(at(1)),
        evidence: verdict.map(evidence),
    }
}

/// A state in which the key is confirmed at the content `new`.
fn state(key: &EntryKey) -> State {
    let mut state = State::default();
    let known = confirmed(content("new").as_str());
    state.entries.insert(key.clone(), known);
    state
}

fn prove(state: &mut State, key: &EntryKey, proof: Proof) {
    let entries = vec![(key.clone(), proof)];
    state.apply(Record::Prove { entries });
}

fn planned(state: &State, key: &EntryKey) -> Option<Reason> {
    let desired = purgit::desired::Desired {
        entries: vec![Entry {
            key: key.clone(),
            generation: content("new"),
        }],
        ..Default::default()
    };
    let changes = diff(&desired, state).changes;
    changes.first().map(|change| change.reason)
}

#[test]
fn what_is_proven_stale_is_planned_until_a_purge_is_confirmed_or_it_comes_right() {
    let key = site_file("a.html");
    let new = content("new");
    let mut state = state(&key);
    assert_eq!(planned(&state, &key), None);
    prove(&mut state, &key, proof(Some(&new), Some(Verdict::Unknown)));
    assert_eq!(planned(&state, &key), None);
    prove(&mut state, &key, proof(Some(&new), Some(Verdict::Stale)));
    assert_eq!(planned(&state, &key), Some(Reason::StaleAtEdge));
    let attempt = state.entries[&key].attempt.clone().unwrap();
    assert_eq!(attempt.outcome, Outcome::Failed);
    assert_eq!(
        attempt.message.as_deref(),
        Some("stale at the edge 203.0.113.10: seen")
    );
    // A time-out takes nothing back.
    prove(&mut state, &key, proof(Some(&new), Some(Verdict::Unknown)));
    assert_eq!(planned(&state, &key), Some(Reason::StaleAtEdge));
    let mut healed = state.clone();
    prove(&mut healed, &key, proof(Some(&new), Some(Verdict::Fresh)));
    assert_eq!(planned(&healed, &key), None);
    // A confirmed purge does, and is to be looked at.
    let mut sent = operation("one", None, &[]);
    sent.entries = vec![(key.clone(), Some(new))];
    state.apply(Record::Intend(sent));
    state.apply(Record::Settle {
        id: "one".to_owned(),
        at: at(9),
        items: vec![purgit::state::transition::ItemOutcome {
            target: key.target.clone(),
            outcome: Outcome::Succeeded,
            message: None,
        }],
    });
    assert_eq!(planned(&state, &key), None);
    let proof = &state.proofs[&key];
    assert!(proof.is_due());
    assert_eq!(proof.since, Some(at(3)));
}

#[test]
fn an_answer_about_another_generation_changes_nothing() {
    let key = site_file("a.html");
    let mut state = state(&key);
    let old = content("old");
    prove(&mut state, &key, proof(Some(&old), Some(Verdict::Stale)));
    assert_eq!(planned(&state, &key), None);
    // Nor one that came in while another purge is under way.
    let mut sent = operation("one", Some("task"), &[]);
    sent.entries = vec![(key.clone(), Some(content("new")))];
    state.apply(Record::Intend(sent));
    prove(
        &mut state,
        &key,
        proof(Some(&content("new")), Some(Verdict::Stale)),
    );
    assert_eq!(state.entries[&key].attempt, None);
}

#[test]
fn a_deletion_that_the_edge_missed_is_purged_once_more() {
    let key = site_file("gone.html");
    let mut state = State::default();
    let desired = purgit::desired::Desired {
        deleting: vec![key.owner.clone()],
        ..Default::default()
    };
    let reason = |state: &State| {
        let changes = diff(&desired, state).changes;
        changes
            .first()
            .map(|change| (change.reason, change.after.clone()))
    };
    prove(&mut state, &key, proof(None, Some(Verdict::Stale)));
    assert_eq!(reason(&state), Some((Reason::StaleAtEdge, None)));
    prove(&mut state, &key, proof(None, Some(Verdict::Fresh)));
    assert_eq!(reason(&state), None);
    assert_eq!((state.entries.len(), state.proofs.len()), (0, 0));
}

#[test]
fn earlier_generations_are_few_and_never_the_wanted_one() {
    let tokens: Vec<_> = (0..6).map(|n| content(&n.to_string())).collect();
    let mut proof = None;
    for token in &tokens {
        proof = Some(Proof::expecting(proof.as_ref(), Some(token.clone()), None));
    }
    let proof = proof.unwrap();
    assert_eq!(proof.earlier, tokens[2..5]);
    let back = Proof::expecting(Some(&proof), Some(tokens[3].clone()), Some(&tokens[0]));
    assert_eq!(
        back.earlier,
        [&tokens[4], &tokens[5], &tokens[0]].map(Clone::clone)
    );
}

#[test]
fn proofs_of_what_is_not_stale_make_room() {
    let mut state = State::default();
    let entries = |count: usize, verdict| {
        let keys = (0..count).map(|n| site_file(&format!("{verdict}/{n}")));
        keys.map(|key| (key, proof(Some(&content("new")), Some(verdict))))
            .collect()
    };
    state.apply(Record::Prove {
        entries: entries(1500, Verdict::Stale),
    });
    state.apply(Record::Prove {
        entries: entries(1500, Verdict::Fresh),
    });
    let of = |state: &State, verdict| {
        let proofs = state.proofs.values();
        proofs
            .filter(|proof| proof.verdict() == Some(verdict))
            .count()
    };
    assert_eq!(of(&state, Verdict::Fresh), 500);
    state.apply(Record::Prove {
        entries: entries(1000, Verdict::Unknown),
    });
    assert_eq!(of(&state, Verdict::Stale), 1500);
    assert_eq!(of(&state, Verdict::Unknown), 500);
    assert_eq!(state.proofs.len(), 2000);
}
