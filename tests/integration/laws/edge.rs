//! What is wrong with an edge, or only usual.

use std::time::Duration;

use proptest::prelude::*;

use super::edges::ENCODINGS;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    Unsaid,
    /// Since it came from the origin.
    True,
    /// As a cache says it that compares the origin's date with its own clock. Where neither is right,
    /// nobody can tell from outside, so only clocks that are a little off are compared.
    Apparent,
    Zero,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Date {
    Unsaid,
    /// The origin's is left as it is.
    Origins,
    /// The edge writes its own.
    Own,
}

/// How an edge is, for a while.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "any mixture makes sense")]
pub(super) struct Edge {
    pub(super) lag: Duration,
    pub(super) deaf: bool,
    /// A purge misses what is kept for that encoding.
    pub(super) deaf_to: Option<usize>,
    /// Keeps what was asked for before a purge and came after it.
    pub(super) races: bool,
    pub(super) minifies: bool,
    /// One object for all encodings.
    pub(super) is_one: bool,
    /// Keeps that a page is not there.
    pub(super) keeps_missing: bool,
    /// Answers 200 with a page of its own where there is none.
    pub(super) soft: bool,
    pub(super) age: Age,
    pub(super) date: Date,
    pub(super) clock: i64,
}

impl Edge {
    /// Nothing is wrong with it.
    pub(super) const fn plain() -> Self {
        Self {
            lag: Duration::ZERO,
            deaf: false,
            deaf_to: None,
            races: false,
            minifies: false,
            is_one: false,
            keeps_missing: false,
            soft: false,
            age: Age::Unsaid,
            date: Date::Unsaid,
            clock: 0,
        }
    }

    /// Nothing is in the way of a proof.
    pub(super) const fn is_plain(self) -> bool {
        !self.minifies && !self.soft
    }

    /// As it is, but it does what it is told.
    pub(super) const fn obedient(self) -> Self {
        Self {
            lag: Duration::ZERO,
            deaf: false,
            deaf_to: None,
            races: false,
            ..self
        }
    }
}

pub(super) fn any_edge() -> impl Strategy<Value = Edge> {
    let seldom = || proptest::bool::weighted(0.2);
    let clock = prop_oneof![2 => Just(0), 1 => -2_i64..=2, 1 => -900_i64..900];
    let age = prop_oneof![
        Just(Age::Unsaid),
        Just(Age::True),
        Just(Age::Apparent),
        Just(Age::Zero)
    ];
    let date = prop_oneof![Just(Date::Unsaid), Just(Date::Origins), Just(Date::Own)];
    let purging = (
        prop_oneof![2 => Just(0), 1 => 0..120_u64],
        seldom(),
        proptest::option::weighted(0.2, 0..ENCODINGS.len()),
        seldom(),
    );
    let serving = (seldom(), seldom(), any::<bool>(), seldom());
    (purging, serving, age, date, clock).prop_map(|(purging, serving, age, date, clock)| Edge {
        lag: Duration::from_secs(purging.0),
        deaf: purging.1,
        deaf_to: purging.2,
        races: purging.3,
        minifies: serving.0,
        is_one: serving.1,
        keeps_missing: serving.2,
        soft: serving.3,
        age,
        date,
        clock,
    })
}
