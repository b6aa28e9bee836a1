//! Whether a request proves who sent it, and when.
//!
//! The string to sign, the header's form and the meaning of the keys are `[D]`. The order of the checks is
//! `[?]`: identity, time, signature, which avoids computing for strangers.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use subtle::ConstantTimeEq as _;
use url::form_urlencoded;

use super::account::{AccountKey, Rights};
use super::errors::{ApiRefusal, ErrorType as E, refuse};
use super::settings::AzureChinaCdn;
use crate::emulator::exchange::ApiRequest;
use crate::provider::azure_china_cdn::signing::{self, DATE_HEADER};

/// Hexadecimal digits of an HMAC-SHA256.
const SIGNATURE_DIGITS: usize = 64;

pub(super) fn verify<'a>(
    request: &ApiRequest,
    settings: &'a AzureChinaCdn,
    now: DateTime<Utc>,
) -> Result<&'a AccountKey, ApiRefusal> {
    let authorization = request.header("authorization").ok_or_else(|| {
        refuse(
            E::MissingAuthorizationHeader,
            "Missing authorization header.",
        )
    })?;
    let date_text = request.header(DATE_HEADER).ok_or_else(|| {
        let message = format!("Missing {DATE_HEADER} header.");
        refuse(E::MissingRequestDateHeader, message)
    })?;
    let date = parse_date(date_text, settings.rfc3339_dates).ok_or_else(|| {
        let message =
            format!("The {DATE_HEADER} header must be UTC in the form yyyy-MM-dd HH:mm:ss.");
        refuse(E::InvalidRequestDateHeader, message)
    })?;
    let (key_id, signature) = parse_authorization(authorization).ok_or_else(|| {
        let message = "The Authorization header must be AzureCDN {key id}:{signature}.";
        refuse(E::InvalidAuthorizationHeader, message)
    })?;
    let key = settings.account.key(key_id);
    let key = key.ok_or_else(|| refuse(E::ApiKeyNotFound, "The API key does not exist."))?;
    if key.rights == Rights::None {
        return Err(refuse(E::InvalidApiKey, "The API key is disabled."));
    }
    let window = TimeDelta::from_std(settings.window).unwrap_or(TimeDelta::MAX);
    if (now - date).abs() > window {
        let message = format!(
            "The request date is more than {} s away from {}.",
            settings.window.as_secs(),
            signing::request_date(now)
        );
        return Err(refuse(E::AuthorizationHeaderExpired, message));
    }
    let signature = match settings.lower_case_signatures {
        true => &signature.to_ascii_uppercase(),
        false => signature,
    };
    if !is_signed(request, date_text, key, signature) {
        let message = "The signature does not match the request.";
        return Err(refuse(E::WrongSignature, message));
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

/// Parses `yyyy-MM-dd HH:mm:ss`, 24 hours, with or without leading zeros `[O]`.
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

fn digits(text: &str, most: usize) -> Option<u32> {
    let well_formed = text.len() <= most && text.bytes().all(|byte| byte.is_ascii_digit());
    if well_formed { text.parse().ok() } else { None }
}

/// Whether the signature covers the path as received or in lower case: the vendor's samples differ.
fn is_signed(request: &ApiRequest, date: &str, key: &AccountKey, signature: &str) -> bool {
    let pairs: Vec<_> = form_urlencoded::parse(request.query().as_bytes()).collect();
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(key, value)| (&**key, &**value))
        .collect();
    let matches = |path: &str| {
        let text = signing::string_to_sign(path, &pairs, date, request.method());
        let expected = signing::signature(key.value.expose(), &text);
        expected.as_bytes().ct_eq(signature.as_bytes())
    };
    let path = request.path();
    (matches(path) | matches(&path.to_ascii_lowercase())).into()
}
