//! How an edge deviates from an ideal one.

use std::str::FromStr;
use std::time::Duration;

use axum::body::Bytes;
use chrono::TimeDelta;

/// By default an edge behaves as it should.
#[expect(clippy::struct_excessive_bools, reason = "any mixture makes sense")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Behaviour {
    /// How long after the CDN called a purge done it takes effect here.
    pub lag: Duration,
    /// Purges take no effect here, though the CDN calls them done.
    pub deaf: bool,
    /// A fetch that began before a purge is stored after it, as in real caches.
    pub races: bool,
    pub clock_offset: TimeDelta,
    /// It compresses answers if the client accepts that.
    pub compresses: bool,
    /// It removes needless white space from text.
    pub minifies: bool,
    /// It stores nothing and always asks the origin.
    pub passes: bool,
}

/// For error messages.
const BEHAVIOURS: &str =
    "lag=DURATION, deaf, race, compress, minify, pass, ahead=DURATION, behind=DURATION";

impl FromStr for Behaviour {
    type Err = String;

    /// Words of `BEHAVIOURS`, with commas in between; `plain` for none.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut behaviour = Self::default();
        for word in text.split(',') {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            let wrong = || format!("`{word}` is not one of {BEHAVIOURS}");
            let duration = || humantime::parse_duration(value).map_err(|_| wrong());
            let offset = || TimeDelta::from_std(duration()?).map_err(|_| wrong());
            match name {
                "lag" => behaviour.lag = duration()?,
                "ahead" => behaviour.clock_offset = offset()?,
                "behind" => behaviour.clock_offset = -offset()?,
                _ if !value.is_empty() => return Err(wrong()),
                "plain" => {}
                "deaf" => behaviour.deaf = true,
                "race" => behaviour.races = true,
                "compress" => behaviour.compresses = true,
                "minify" => behaviour.minifies = true,
                "pass" => behaviour.passes = true,
                _ => return Err(wrong()),
            }
        }
        Ok(behaviour)
    }
}

impl Behaviour {
    pub(super) fn served(self, content_type: Option<&str>, body: Bytes) -> Bytes {
        let is_text = content_type.is_some_and(|kind| kind.starts_with("text/"));
        match str::from_utf8(&body) {
            Ok(text) if self.minifies && is_text => {
                let words: Vec<_> = text.split_ascii_whitespace().collect();
                words.join(" ").into()
            }
            Ok(_) | Err(_) => body,
        }
    }
}
