//! AWS signature version 4 `[D]`: which parts of a request are signed, and how. Checked against vectors
//! that two other programs agree on, and in CI against the vendor's own library.

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest as _, Sha256};

/// Starts the `Authorization` header.
pub const ALGORITHM: &str = "AWS4-HMAC-SHA256";

pub const DATE_HEADER: &str = "x-amz-date";

pub const TOKEN_HEADER: &str = "x-amz-security-token";

const SERVICE: &str = "cloudfront";

/// Everything except the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The same for a path, which keeps its separators.
const IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// The parts of a request that are signed.
#[derive(Debug, Clone, Copy)]
pub struct Signable<'a> {
    pub method: &'a str,
    /// As sent, with its escapes.
    pub path: &'a str,
    /// As sent, without `?`.
    pub query: &'a str,
    /// Names in lower case, sorted.
    pub headers: &'a [(&'a str, &'a str)],
    pub body: &'a [u8],
}

impl Signable<'_> {
    /// The text that is hashed.
    pub fn canonical(&self) -> String {
        // Escapes are escaped again, except in S3.
        let path = utf8_percent_encode(self.path, IN_PATH);
        let escaped = |text: &str| {
            let bytes: Vec<u8> = percent_decode_str(text).collect();
            percent_encoding::percent_encode(&bytes, RESERVED).to_string()
        };
        let pairs = self.query.split('&').filter(|pair| !pair.is_empty());
        let mut pairs: Vec<_> = pairs
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (escaped(name), escaped(value)))
            .collect();
        pairs.sort_unstable();
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let headers = self.headers.iter().map(|(name, value)| {
            let words: Vec<_> = value.split_ascii_whitespace().collect();
            format!("{name}:{}\n", words.join(" "))
        });
        format!(
            "{}\n{path}\n{}\n{}\n{}\n{}",
            self.method,
            pairs.join("&"),
            headers.collect::<String>(),
            self.signed_headers(),
            sha256(self.body),
        )
    }

    pub fn signed_headers(&self) -> String {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| *name).collect();
        names.join(";")
    }

    /// The signature of a key in a region, in hexadecimal.
    pub fn signature(&self, secret: &str, region: &str, at: DateTime<Utc>) -> String {
        let text = format!(
            "{ALGORITHM}\n{}\n{}\n{}",
            time(at),
            scope(region, at),
            sha256(self.canonical().as_bytes()),
        );
        let key = hmac(format!("AWS4{secret}").as_bytes(), &day(at));
        let key = [region, SERVICE, "aws4_request"]
            .iter()
            .fold(key, |key, part| hmac(&key, part));
        hex::encode(hmac(&key, &text))
    }
}

pub fn time(at: DateTime<Utc>) -> String {
    at.format("%Y%m%dT%H%M%SZ").to_string()
}

pub fn scope(region: &str, at: DateTime<Utc>) -> String {
    format!("{}/{region}/{SERVICE}/aws4_request", day(at))
}

fn day(at: DateTime<Utc>) -> String {
    at.format("%Y%m%d").to_string()
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    // HMAC accepts keys of any length, so this cannot fail.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return Vec::new();
    };
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}
