//! Looking up the nodes of a fleet.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::failure::{End, Failure};
use super::nodes::Lookup;
use super::session::Session;
use super::{Event, now};
use crate::error::chain;
use crate::provider::{Effect, Fleet};
use crate::transport::node::named;
use crate::transport::retry::{RetryClass, RetryPolicy};

impl Session<'_> {
    /// The nodes behind the fleet's name, looked up at `since` or later, or at any time during this run.
    pub(super) async fn look_up(
        &self,
        fleet: &dyn Fleet,
        since: Option<DateTime<Utc>>,
    ) -> Result<Arc<Lookup>, Failure> {
        let mut latest = self.nodes.latest.lock().await;
        if let Some(known) = latest.as_ref().filter(|known| Some(known.at) >= since) {
            return Ok(known.clone());
        }
        let at = now(self.ports);
        let found = match fleet.name() {
            None => BTreeSet::new(),
            Some((host, port)) => self.addresses(host, port).await?,
        };
        let lookup = Arc::new(Lookup { at, found });
        *latest = Some(lookup.clone());
        Ok(lookup)
    }

    async fn addresses(&self, host: &str, port: u16) -> Result<BTreeSet<String>, Failure> {
        let mut retries = RetryPolicy::default().retries(self.jitter_seed());
        loop {
            let lookup = self.ports.transport.resolve(host, port);
            let reason = match self.unless_stopped(lookup).await {
                Err(stop) => return Err(Failure::stopped(stop, false)),
                Ok(Ok(found)) => {
                    let hint = "list such nodes in `nodes.static`, with `https://`";
                    let found = named(host, &found);
                    return found.map_err(|why| unusable(why, hint, End::Final));
                }
                Ok(Err(error)) => chain(&error),
            };
            let Ok(delay) = retries.next(RetryClass::Transient, None) else {
                return Err(unusable(
                    format!("no address found of `{host}`, so there is no node to purge: {reason}"),
                    "check `nodes.dns`: the name of a headless service has the addresses of its ready pods, and none while there is none",
                    End::Exhausted,
                ));
            };
            self.event(Event::Retrying {
                endpoint: self.client.endpoint.name.clone(),
                reason: format!("no address found of `{host}`: {reason}"),
                delay,
            });
            let paused = self.pause(delay).await;
            paused.map_err(|stop| Failure::stopped(stop, false))?;
        }
    }
}

fn unusable(message: String, hint: &str, end: End) -> Failure {
    Failure {
        message,
        hint: Some(hint.to_owned()),
        effect: Effect::Endpoint,
        end,
        in_doubt: false,
    }
}
