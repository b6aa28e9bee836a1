//! The plan id: a digest over the canonical, time-free subject of a plan.
