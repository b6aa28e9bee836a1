//! The settings of every emulator, whatever its API.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use super::edge::EdgeSettings;
use super::faults::Fault;
use crate::clock::{Clock, SystemClock};

/// How an emulator runs; by default tasks finish at once and nothing fails.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Of the API; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whether `listen` may be an address that other machines reach.
    pub allow_remote: bool,
    /// The wall clock, before `clock_offset`.
    pub clock: Arc<dyn Clock>,
    /// How far the service's clock is ahead of `clock`; visible in the `Date` header.
    pub clock_offset: TimeDelta,
    /// Duration of a task. Its items finish one after another in the second half, the last exactly at the end.
    pub latency: Duration,
    /// Faults from the start; more can be injected later.
    pub faults: Vec<Fault>,
    pub edge: Option<EdgeSettings>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            allow_remote: false,
            clock: Arc::new(SystemClock),
            clock_offset: TimeDelta::zero(),
            latency: Duration::ZERO,
            faults: Vec::new(),
            edge: None,
        }
    }
}
