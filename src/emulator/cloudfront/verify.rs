//! Whether a request proves who sent it, and when. The order of the checks is `[?]`.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use subtle::ConstantTimeEq as _;

use super::errors as E;
use super::settings::{AccessKey, Cloudfront};
use crate::emulator::exchange::{ApiRequest, Reply};
use crate::provider::cloudfront::signing::{
    self, ALGORITHM, DATE_HEADER, Signable, TOKEN_HEADER, time,
};

struct Authorization<'a> {
    key_id: &'a str,
    scope: &'a str,
    headers: Vec<&'a str>,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let parts = text.strip_prefix(ALGORITHM)?.strip_prefix(' ')?;
        let part = |name: &str| {
            let mut parts = parts.split(',').map(str::trim);
            parts.find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
        };
        let (key_id, scope) = part("Credential")?.split_once('/')?;
        Some(Self {
            key_id,
            scope,
            headers: part("SignedHeaders")?.split(';').collect(),
            signature: part("Signature")?,
        })
    }
}

impl Cloudfront {
    pub(super) fn verify(
        &self,
        request: &ApiRequest,
        now: DateTime<Utc>,
    ) -> Result<&AccessKey, Reply> {
        let header = request.header("authorization");
        let header = header.ok_or_else(|| E::NO_KEY.usual())?;
        let incomplete = |what: &str| E::INCOMPLETE.with(what);
        let found = Authorization::parse(header).ok_or_else(|| {
            incomplete("Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters.")
        })?;
        let date_text = request.header(DATE_HEADER).unwrap_or_default();
        let date = NaiveDateTime::parse_from_str(date_text, "%Y%m%dT%H%M%SZ");
        let date = date.map(|date| date.and_utc()).map_err(|_| {
            incomplete("Authorization header requires existence of a 'X-Amz-Date' header.")
        })?;
        let is_signed = |name: &str| found.headers.contains(&name);
        if !is_signed("host") || !is_signed(DATE_HEADER) {
            return Err(incomplete(
                "'Host' and 'X-Amz-Date' must be among the 'SignedHeaders'.",
            ));
        }
        let token = request.header(TOKEN_HEADER);
        let mut keys = self.keys.iter();
        let key = keys.find(|key| key.id == found.key_id && key.token == token);
        let key = key.ok_or_else(|| E::UNKNOWN_KEY.usual())?;
        if key.ends.is_some_and(|ends| ends <= now) {
            return Err(E::EXPIRED_TOKEN.usual());
        }
        if found.scope != signing::scope(self.region, date) {
            let message = format!(
                "Credential should be scoped to a valid region, '{}'.",
                self.region
            );
            return Err(E::BAD_SIGNATURE.with(&message));
        }
        self.check_time(date, now)?;
        let names = found.headers.iter();
        let values = names.map(|name| (*name, request.header(name).unwrap_or_default()));
        let values: Vec<_> = values.collect();
        let signable = Signable {
            method: request.method(),
            path: request.path(),
            query: request.query(),
            headers: &values,
            body: request.body(),
        };
        let expected = signable.signature(key.secret, self.region, date);
        match expected.as_bytes().ct_eq(found.signature.as_bytes()).into() {
            true => Ok(key),
            false => Err(E::BAD_SIGNATURE.usual()),
        }
    }

    fn check_time(&self, date: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), Reply> {
        let window = TimeDelta::from_std(self.window).unwrap_or(TimeDelta::MAX);
        let minutes = self.window.as_secs() / 60;
        let sent = time(date);
        if date < now - window {
            let first = time(now - window);
            return Err(E::BAD_SIGNATURE.with(&format!(
                "Signature expired: {sent} is now earlier than {first} ({} - {minutes} min.)",
                time(now)
            )));
        }
        if date > now + window {
            let last = time(now + window);
            return Err(E::BAD_SIGNATURE.with(&format!(
                "Signature not yet current: {sent} is still later than {last} ({} + {minutes} min.)",
                time(now)
            )));
        }
        Ok(())
    }
}
