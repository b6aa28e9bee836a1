//! The `Date` and `Retry-After` headers. Pure: the local time is a parameter.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::Response;

/// When the server wrote the response, to the second; `None` without a valid `Date` header.
pub fn date(response: &Response) -> Option<DateTime<Utc>> {
    parse(response.header("date")?)
}

/// How far the server's clock is ahead of the local one: local time plus skew is server time.
/// Accurate to a second or two: the header's resolution plus the response's travel time.
pub fn skew(response_date: DateTime<Utc>, local_now: DateTime<Utc>) -> TimeDelta {
    response_date - local_now
}

/// How long the server asks to wait: seconds, or a date that is compared with the response's own
/// `Date`, so that a wrong local clock does not matter. `None` if absent or invalid; zero if the
/// date is past.
pub fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.header("retry-after")?.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let wait = parse(value)? - date(response)?;
    Some(wait.to_std().unwrap_or(Duration::ZERO))
}

pub fn parse(text: &str) -> Option<DateTime<Utc>> {
    let time = httpdate::parse_http_date(text.trim()).ok()?;
    let seconds = time.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(headers: &[(&str, &str)]) -> Response {
        Response {
            status: 429,
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            body: Vec::new(),
        }
    }

    #[test]
    fn retry_after_in_both_forms() {
        let now = ("date", "Tue, 02 Jan 2024 13:04:05 GMT");
        let asked = |value| retry_after(&response(&[now, ("retry-after", value)]));
        assert_eq!(asked("120"), Some(Duration::from_secs(120)));
        assert_eq!(asked(" 0 "), Some(Duration::ZERO));
        assert_eq!(
            asked("Tue, 02 Jan 2024 13:04:35 GMT"),
            Some(Duration::from_secs(30))
        );
        assert_eq!(asked("Tue, 02 Jan 2024 13:04:00 GMT"), Some(Duration::ZERO));
        for wrong in ["", "-1", "soon", "1.5", "99999999999999999999"] {
            assert_eq!(asked(wrong), None, "{wrong}");
        }
        let undated = response(&[("retry-after", "Tue, 02 Jan 2024 13:04:35 GMT")]);
        assert_eq!(retry_after(&undated), None);
    }

    #[test]
    fn the_server_is_an_hour_ahead() {
        let local = DateTime::from_timestamp(1_704_200_645, 0).unwrap();
        let served = response(&[("date", "Tue, 02 Jan 2024 14:04:05 GMT")]);
        assert_eq!(skew(date(&served).unwrap(), local), TimeDelta::hours(1));
        assert_eq!(date(&response(&[("date", "yesterday")])), None);
    }
}
