//! Purges of which nobody knows whether they were accepted: sent again at most once, counted, and
//! bounded whatever goes wrong.

use std::collections::HashMap;

use proptest::collection::vec;
use proptest::prelude::*;
use purgit::entry::TargetKind;
use purgit::state::Outcome;
use purgit::transport::TransportErrorKind;

use super::cdn::{Call, Reaction, any_reaction, page, refusal};
use super::{World, operations, tally, url};

/// Lets purges go wrong in this order, and then for ever as the last.
fn for_ever(reactions: Vec<Reaction>) -> impl FnMut(usize, &Call) -> Reaction + Send + 'static {
    let mut left = reactions.into_iter().peekable();
    move |_, call| {
        if !call.is_purge() {
            return Reaction::Normal;
        }
        let reaction = left.next().unwrap();
        if left.peek().is_none() {
            left = vec![reaction.clone()].into_iter().peekable();
        }
        reaction
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_always_lost_leads_to_two_purges_at_most() {
    for reaction in [
        Reaction::DoneButLost(TransportErrorKind::Interrupted),
        Reaction::DoneButLost(TransportErrorKind::Timeout),
        Reaction::DoneBut(page(502)),
        Reaction::DoneBut(page(504)),
    ] {
        let world = World::new();
        world.cdn.behave(for_ever(vec![reaction.clone()]));
        let execution = world.run(operations(3, 3)).await;
        assert_eq!(tally(&execution), [(Outcome::Unknown, 3)], "{reaction:?}");
        assert_eq!((world.cdn.purges(), execution.requests), (2, 2));
        assert_eq!(execution.repeated, 3, "each of the items, perhaps");
        let message = execution.entries[0].message.clone().unwrap();
        assert!(message.contains("gave up after 2 attempts"), "{message}");
        assert_eq!(world.state().ledger.values().sum::<u64>(), 6);
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_between_doubts_do_not_make_a_third_send() {
    let throttled = || Reaction::Answer(refusal(429, "RequestThrottled"));
    let doubt = || Reaction::DoneButLost(TransportErrorKind::Interrupted);
    let connect = || Reaction::Lost(TransportErrorKind::Connect);
    let rows = [
        vec![doubt(), throttled(), doubt()],
        vec![throttled(), doubt(), throttled(), doubt()],
        vec![doubt(), connect(), throttled(), doubt()],
    ];
    for reactions in rows {
        let world = World::new();
        let sent = reactions.len();
        world.cdn.behave(for_ever(reactions.clone()));
        let execution = world.run(operations(1, 1)).await;
        assert_eq!(tally(&execution), [(Outcome::Unknown, 1)], "{reactions:?}");
        assert_eq!(world.cdn.purges(), sent, "{reactions:?}");
        assert_eq!(world.cdn.times(&url(0)), 2);
        assert_eq!(execution.repeated, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_send_that_is_surely_refused_repeats_nothing() {
    let world = World::new();
    let doubt = Reaction::DoneButLost(TransportErrorKind::Interrupted);
    let refused = Reaction::Answer(refusal(400, "ParameterInvalid"));
    world.cdn.behave(for_ever(vec![doubt, refused]));
    let execution = world.run(operations(2, 2)).await;
    assert_eq!(tally(&execution), [(Outcome::Unknown, 2)]);
    assert_eq!((execution.requests, execution.repeated), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn pages_in_place_of_every_answer_give_the_endpoint_up() {
    for page in [page(200), page(502)] {
        let mut world = World::new();
        world.endpoint.limits.concurrent_requests = 1;
        world
            .cdn
            .behave(for_ever(vec![Reaction::Answer(page.clone())]));
        let execution = world.run(operations(100, 1)).await;
        assert_eq!(
            tally(&execution),
            [(Outcome::Skipped, 97), (Outcome::Unknown, 3)],
            "{page:?}"
        );
        assert!(world.cdn.purges() <= 6, "{}", world.cdn.purges());
    }
}

/// Whether nobody but the CDN knows that it accepted the purge.
fn is_doubtful(reaction: &Reaction) -> bool {
    match reaction {
        Reaction::Normal => false,
        Reaction::Answer(response) | Reaction::DoneBut(response) => {
            let in_its_words = response.body.starts_with(b"{");
            !in_its_words && !(400..500).contains(&response.status)
        }
        Reaction::Lost(kind) | Reaction::DoneButLost(kind) => kind.may_have_arrived(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn no_item_is_sent_more_often_than_its_sends_in_doubt_allow(
        reactions in vec(any_reaction(1, 2), 0..60),
        size in 1_usize..4,
        concurrent in 1_usize..4,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut world = World::new();
            world.endpoint.limits.concurrent_requests = concurrent;
            let doubtful: std::sync::Arc<std::sync::Mutex<HashMap<String, usize>>> = std::sync::Arc::default();
            let count = doubtful.clone();
            world.cdn.behave(move |before, call| {
                let reaction = reactions.get(before).cloned().unwrap_or(Reaction::Normal);
                if let Call::Purge(items) = call && is_doubtful(&reaction) {
                    for (_, url) in items {
                        *count.lock().unwrap().entry(url.clone()).or_default() += 1;
                    }
                }
                reaction
            });
            let execution = world.run(operations(9, size)).await;
            let doubtful = doubtful.lock().unwrap();
            let mut repeated = 0;
            for number in 0..9 {
                let url = url(number);
                let (accepted, doubts) = (world.cdn.times(&url), doubtful.get(&url).copied().unwrap_or(0));
                prop_assert!(doubts <= 2, "{url} was sent {doubts} times in doubt");
                prop_assert!(accepted <= 1 + doubts && accepted <= 2, "{url} was accepted {accepted} times");
                repeated += usize::from(accepted > 1);
            }
            // What was purged twice is counted, and it is in the ledger twice.
            prop_assert!(execution.repeated >= repeated, "{repeated} of {}", execution.repeated);
            let accepted = world.cdn.accepted();
            let accepted = accepted.iter().flat_map(|accepted| &accepted.items);
            let accepted = accepted.filter(|(kind, _)| *kind == TargetKind::File).count() as u64;
            let booked: u64 = world.state().ledger.values().sum();
            let most = accepted + doubtful.values().sum::<usize>() as u64;
            prop_assert!((accepted..=most).contains(&booked), "{booked} booked of {accepted}");
            Ok(())
        })?;
    }
}
