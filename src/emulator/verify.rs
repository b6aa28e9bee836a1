//! Whether a request proves who sent it, and when. Pure: time and the account come in as values.
//!
//! The string to sign, the header's shape and the meaning of the keys are `[D]`. The order of the
//! checks is `[?]`: identity first, then time, then the signature, as a service would that does not
//! want to compute for strangers.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use subtle::ConstantTimeEq as _;
use url::form_urlencoded;

use super::account::{Account, Key};
use super::errors::{ErrorType, Refusal};
use super::settings::SigningRules;
use crate::provider::azure_china_cdn::signing;

/// Hexadecimal digits of an HMAC-SHA256.
const SIGNATURE_DIGITS: usize = 64;

/// A header of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Header<'a> {
    /// Not sent.
    Absent,
    /// Sent, but not as text.
    Garbled,
    /// Sent.
    Text(&'a str),
}

/// What a request says about itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claim<'a> {
    /// Upper-case method.
    pub(super) method: &'a str,
    /// The path as received.
    pub(super) path: &'a str,
    /// The query as received, without `?`.
    pub(super) query: &'a str,
    /// `x-azurecdn-request-date`.
    pub(super) date: Header<'a>,
    /// `Authorization`.
    pub(super) authorization: Header<'a>,
}

/// Finds the key that signed the request.
pub(super) fn verify<'a>(
    claim: Claim<'_>,
    account: &'a Account,
    rules: &SigningRules,
    now: DateTime<Utc>,
) -> Result<&'a Key, Refusal> {
    use ErrorType as E;

    let authorization = match claim.authorization {
        Header::Absent => {
            return Err(Refusal::new(
                E::MissingAuthorizationHeader,
                "Missing authorization header.",
            ));
        }
        Header::Garbled => "",
        Header::Text(text) => text,
    };
    let date_text = match claim.date {
        Header::Absent => {
            return Err(Refusal::new(
                E::MissingRequestDateHeader,
                format!("Missing {} header.", signing::DATE_HEADER),
            ));
        }
        Header::Garbled => "",
        Header::Text(text) => text,
    };
    let date = parse_date(date_text, rules.rfc3339_dates).ok_or_else(|| {
        Refusal::new(
            E::InvalidRequestDateHeader,
            format!(
                "The {} header must be UTC in the form yyyy-MM-dd HH:mm:ss.",
                signing::DATE_HEADER
            ),
        )
    })?;
    let (key_id, signature) = parse_authorization(authorization).ok_or_else(|| {
        Refusal::new(
            E::InvalidAuthorizationHeader,
            "The Authorization header must be AzureCDN {key id}:{signature}.",
        )
    })?;
    let key = account
        .key(key_id)
        .ok_or_else(|| Refusal::new(E::ApiKeyNotFound, "The API key does not exist."))?;
    if !key.enabled {
        return Err(Refusal::new(E::InvalidApiKey, "The API key is disabled."));
    }
    let window = TimeDelta::from_std(rules.window).unwrap_or(TimeDelta::MAX);
    if (now - date).abs() > window {
        return Err(Refusal::new(
            E::AuthorizationHeaderExpired,
            format!(
                "The request date is more than {} s away from {}.",
                rules.window.as_secs(),
                signing::request_date(now)
            ),
        ));
    }
    if !is_signed(claim, date_text, key, signature, rules) {
        return Err(Refusal::new(
            E::WrongSignature,
            "The signature does not match the request.",
        ));
    }
    Ok(key)
}

/// `AzureCDN {key id}:{64 hexadecimal digits}`.
fn parse_authorization(text: &str) -> Option<(&str, &str)> {
    let (key_id, signature) = text.strip_prefix("AzureCDN ")?.split_once(':')?;
    let well_formed = !key_id.is_empty()
        && !key_id.contains(char::is_whitespace)
        && signature.len() == SIGNATURE_DIGITS
        && signature.bytes().all(|byte| byte.is_ascii_hexdigit());
    well_formed.then_some((key_id, signature))
}

/// Reads `yyyy-MM-dd HH:mm:ss`, 24 hours, with or without leading zeros `[O]`.
fn parse_date(text: &str, rfc3339: bool) -> Option<DateTime<Utc>> {
    if rfc3339 && let Ok(date) = DateTime::parse_from_rfc3339(text) {
        return Some(date.to_utc());
    }
    let (date, time) = text.split_once(' ')?;
    let (year, date) = date.split_once('-')?;
    if year.len() != 4 {
        return None;
    }
    let (month, day) = date.split_once('-')?;
    let (hour, time) = time.split_once(':')?;
    let (minute, second) = time.split_once(':')?;
    let year = digits(year, 4)?;
    let date = NaiveDate::from_ymd_opt(
        i32::try_from(year).ok()?,
        digits(month, 2)?,
        digits(day, 2)?,
    )?;
    let date = date.and_hms_opt(digits(hour, 2)?, digits(minute, 2)?, digits(second, 2)?)?;
    Some(date.and_utc())
}

/// A number of one to `most` digits and nothing else.
fn digits(text: &str, most: usize) -> Option<u32> {
    let well_formed = text.len() <= most && text.bytes().all(|byte| byte.is_ascii_digit());
    if well_formed { text.parse().ok() } else { None }
}

/// Whether the signature is over the path as received or lower-cased: the vendor's samples differ.
fn is_signed(
    claim: Claim<'_>,
    date: &str,
    key: &Key,
    signature: &str,
    rules: &SigningRules,
) -> bool {
    let pairs: Vec<(String, String)> = form_urlencoded::parse(claim.query.as_bytes())
        .into_owned()
        .collect();
    let pairs: Vec<(&str, &str)> = pairs
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    let signature = if rules.lower_case {
        signature.to_ascii_uppercase()
    } else {
        signature.to_owned()
    };
    let matches = |path: &str| {
        let text = signing::string_to_sign(path, &pairs, date, claim.method);
        let expected = signing::signature(key.value.expose(), &text);
        expected.as_bytes().ct_eq(signature.as_bytes())
    };
    (matches(claim.path) | matches(&claim.path.to_ascii_lowercase())).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        parse_date(text, false).map(signing::request_date)
    }

    #[test]
    fn dates_are_24_hour_with_or_without_leading_zeros() {
        assert_eq!(read("2024-01-02 13:04:05").unwrap(), "2024-01-02 13:04:05");
        assert_eq!(read("2024-1-2 3:4:5").unwrap(), "2024-01-02 03:04:05");
        for bad in [
            "",
            "yesterday",
            "2024-01-02",
            "2024-01-02T13:04:05Z",
            "2024-13-02 13:04:05",
            "2024-01-02 24:04:05",
            "2024-01-02 13:04:05 ",
            "2024-01-02  13:04:05",
            "2024-01-02 01:04:05 PM",
            "24-01-02 13:04:05",
            "+024-01-02 13:04:05",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert!(parse_date("2024-01-02T13:04:05Z", true).is_some());
    }
}
