//! What keeps an endpoint from being purged: credentials, connection, clock, the CDN's answer, hosts, quota.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Finding, Level, finding, quota};
use crate::credential::source::place;
use crate::error::chain;
use crate::manifest::resource::Endpoint;
use crate::plan::count;
use crate::provider::{ApiError, Effect, Inspection, Remark};
use crate::state::State;
use crate::transport::{TransportError, TransportErrorKind};
use crate::url::HostPattern;

/// Clock difference that is reported. Signed requests and tokens have a date, and the `Date` header is
/// accurate to a second or two.
pub const MAX_SKEW: TimeDelta = TimeDelta::seconds(30);

/// The result of asking a CDN about an endpoint.
#[derive(Debug)]
pub enum Asked {
    /// Without credentials the CDN cannot be asked. One sentence for each that is missing.
    Missing(Vec<String>),
    /// Its API has no request that changes nothing.
    NoQuestion,
    NoAnswer(TransportError),
    /// A fleet of nodes instead of an API.
    Nodes(AskedNodes),
    Answered {
        /// How far the CDN's clock is ahead, if it sends the time.
        skew: Option<TimeDelta>,
        said: Result<Inspection, ApiError>,
    },
}

#[derive(Debug, Default)]
pub struct AskedNodes {
    /// Why no nodes, or not all of them, are known.
    pub unknown: Option<(String, Option<String>)>,
    /// Each node by its base URL, in order.
    pub asked: Vec<(String, AskedNode)>,
}

impl AskedNodes {
    /// Why one of them rejects the credentials.
    fn denied(&self) -> Option<&ApiError> {
        self.asked.iter().find_map(|(_, asked)| match asked {
            AskedNode::Answered(Err(error)) if error.effect == Effect::Credentials => Some(error),
            AskedNode::NoQuestion | AskedNode::NoAnswer(_) | AskedNode::Answered(_) => None,
        })
    }
}

#[derive(Debug)]
pub enum AskedNode {
    /// There is no request that changes nothing.
    NoQuestion,
    NoAnswer(TransportError),
    Answered(Result<(), ApiError>),
}

pub fn endpoint(
    endpoint: &Endpoint,
    asked: &Asked,
    state: Option<&State>,
    now: DateTime<Utc>,
) -> Vec<Finding> {
    let mut findings = vec![credentials(endpoint, asked)];
    findings.extend(connection(asked));
    if let Asked::Nodes(nodes) = asked {
        findings.extend(self::nodes(nodes));
    }
    if let Asked::Answered { skew, said } = asked {
        findings.extend(skew.map(clock));
        findings.push(known(said));
        if let Ok(said) = said {
            findings.extend(said.remarks.iter().map(|Remark { message, hint }| {
                finding("endpoint", Level::Warning, message).remedy(hint.clone())
            }));
            findings.extend(hosts(&endpoint.hosts, said));
        }
    }
    let quota = state.map(|state| quota::findings(endpoint, state, now));
    findings.extend(quota.into_iter().flatten());
    for finding in &mut findings {
        finding.endpoint = Some(endpoint.name.clone());
    }
    findings
}

fn credentials(endpoint: &Endpoint, asked: &Asked) -> Finding {
    let needed = endpoint.credentials();
    match asked {
        Asked::Missing(missing) => finding("credentials", Level::Failed, missing.join("; "))
            .remedy(place(needed.iter().map(|(name, _)| *name))),
        Asked::Answered {
            said: Err(error), ..
        } if error.effect == Effect::Credentials => {
            finding("credentials", Level::Failed, &error.summary).remedy(error.hint.clone())
        }
        Asked::Nodes(nodes) if nodes.denied().is_some() => {
            let error = nodes.denied();
            let summary = error.map_or("", |error| &error.summary);
            finding("credentials", Level::Failed, summary)
                .remedy(error.and_then(|error| error.hint.clone()))
        }
        Asked::NoQuestion | Asked::NoAnswer(_) | Asked::Nodes(_) | Asked::Answered { .. } => {
            finding(
                "credentials",
                Level::Ok,
                format!("{} present", count(needed.len(), "credential")),
            )
        }
    }
}

fn connection(asked: &Asked) -> Option<Finding> {
    match asked {
        Asked::Missing(_) | Asked::Nodes(_) => None,
        Asked::NoQuestion => Some(finding(
            "connection",
            Level::Ok,
            "not asked: this CDN's API has no call that changes nothing",
        )),
        Asked::Answered { .. } => Some(finding("connection", Level::Ok, "the CDN's API answers")),
        Asked::NoAnswer(error) => {
            let is_tls = error.kind == TransportErrorKind::Tls;
            let text = chain(error);
            let plain = certificate(&text).filter(|_| is_tls);
            let check = if is_tls { "tls" } else { "connection" };
            Some(match plain {
                Some((message, remedy)) => {
                    finding(check, Level::Failed, format!("{message} ({text})"))
                        .remedy(remedy.to_owned())
                }
                None => {
                    finding(check, Level::Failed, text).remedy(error.kind.hint().map(str::to_owned))
                }
            })
        }
    }
}

fn nodes(nodes: &AskedNodes) -> Vec<Finding> {
    let unknown = nodes.unknown.iter();
    let unknown = unknown
        .map(|(message, hint)| finding("nodes", Level::Failed, message).remedy(hint.clone()));
    let asked = nodes.asked.iter().map(|(node, asked)| match asked {
        AskedNode::NoQuestion => finding(
            "node",
            Level::Ok,
            format!("{node}: not asked, because every purge would change something"),
        ),
        AskedNode::NoAnswer(error) => {
            let remedy =
                "check that it runs and can be reached from here; until then its purges stay pending";
            finding("node", Level::Failed, format!("{node}: {}", chain(error)))
                .remedy(remedy.to_owned())
        }
        AskedNode::Answered(Err(error)) => {
            finding("node", Level::Failed, format!("{node}: {error}")).remedy(error.hint.clone())
        }
        AskedNode::Answered(Ok(())) => {
            finding("node", Level::Ok, format!("{node} may be purged from here"))
        }
    });
    unknown.chain(asked).collect()
}

/// A TLS library's message about a certificate in plain words, and the remedy.
fn certificate(text: &str) -> Option<(&'static str, &'static str)> {
    const WORDS: [(&[&str], &str, &str); 4] = [
        (
            &["NotValidForName", "not valid for name", "hostname mismatch"],
            "the certificate is for another host",
            "check `apiUrl` in the manifest, and whether a proxy answers in the CDN's place",
        ),
        (
            &["NotValidYet", "not valid until", "not yet valid"],
            "the certificate is not valid yet",
            "check the clock of this machine",
        ),
        (
            &["Expired", "expired"],
            "the certificate has expired",
            "check this machine's clock; if it is right, the server needs a new certificate",
        ),
        (
            &[
                "UnknownIssuer",
                "self-signed",
                "self signed",
                "unable to get local issuer",
            ],
            "the certificate is not signed by an authority that this machine trusts",
            "install the root certificates (`ca-certificates`), or the proxy's own",
        ),
    ];
    let found = WORDS
        .iter()
        .find(|(words, ..)| words.iter().any(|word| text.contains(word)));
    found.map(|(_, message, remedy)| (*message, *remedy))
}

fn clock(skew: TimeDelta) -> Finding {
    let seconds = skew.num_seconds();
    if skew.abs() < MAX_SKEW {
        return finding("clock", Level::Ok, "in step with the CDN's");
    }
    let off = std::time::Duration::from_secs(seconds.unsigned_abs());
    let off = humantime::format_duration(off);
    let side = if seconds > 0 { "behind" } else { "ahead of" };
    finding(
        "clock",
        Level::Warning,
        format!("this machine's clock is {off} {side} the CDN's"),
    )
    .remedy("set the clock, e.g. by NTP: requests and tokens are dated".to_owned())
}

fn known(said: &Result<Inspection, ApiError>) -> Finding {
    match said {
        Err(error) if error.effect == Effect::Credentials => finding(
            "endpoint",
            Level::Warning,
            "unknown without credentials that the CDN accepts",
        ),
        Err(error) => finding("endpoint", Level::Failed, &error.summary).remedy(error.hint.clone()),
        Ok(said) => {
            let words = said.words.iter().map(|word| format!(", {word}"));
            let words: String = words.collect();
            match said.enabled {
                Some(false) => finding("endpoint", Level::Failed, format!("switched off{words}"))
                    .remedy("enable it at the CDN".to_owned()),
                Some(true) => finding(
                    "endpoint",
                    Level::Ok,
                    format!("known and switched on{words}"),
                ),
                None => finding("endpoint", Level::Ok, format!("known{words}")),
            }
        }
    }
}

fn hosts(declared: &[HostPattern], said: &Inspection) -> Option<Finding> {
    let lower = |names: &[String]| -> Vec<_> {
        names.iter().map(|name| name.to_ascii_lowercase()).collect()
    };
    let (served, domains) = (lower(&said.hosts), lower(&said.domains));
    if served.is_empty() && domains.is_empty() {
        return None;
    }
    let is_served = |pattern: &&HostPattern| {
        let text = pattern.to_string();
        let is_below = |domain: &String| {
            let front = text.strip_suffix(domain.as_str());
            front.is_some_and(|front| front.is_empty() || front.ends_with('.'))
        };
        let is_named = |host: &String| {
            let wild = HostPattern::parse(host);
            *host == text || pattern.matches(host) || wild.is_ok_and(|wild| wild.matches(&text))
        };
        served.iter().any(is_named) || domains.iter().any(is_below)
    };
    let unknown = declared.iter().filter(|pattern| !is_served(pattern));
    let unknown: Vec<_> = unknown.map(ToString::to_string).collect();
    let below = domains
        .iter()
        .map(|domain| format!("{domain} with all below"));
    let served: Vec<_> = served.iter().cloned().chain(below).collect();
    let served = served.join(", ");
    if unknown.is_empty() {
        let message = format!("as at the CDN: {served}");
        return Some(finding("hosts", Level::Ok, message));
    }
    let message = format!(
        "the CDN does not name {}; it names {served}",
        unknown.join(", ")
    );
    let remedy =
        "compare `spec.hosts` with the domains at the CDN: a purge of another host has no effect";
    Some(finding("hosts", Level::Warning, message).remedy(remedy.to_owned()))
}
