//! The signature of the classic Azure China CDN REST API `[D]`.

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Header with the request's date. Its exact bytes are signed.
pub const DATE_HEADER: &str = "x-azurecdn-request-date";

/// 24-hour UTC, padded. The documents' `hh` would be a 12-hour clock; the current signature page says `HH`
/// `[D]`.
pub fn request_date(now: DateTime<Utc>) -> String {
    now.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// Path, sorted query, date and method, one per line, without a final line end `[D]`.
pub fn string_to_sign(path: &str, query: &[(&str, &str)], date: &str, method: &str) -> String {
    let mut pairs: Vec<_> = query
        .iter()
        .map(|(key, value)| format!("{key}:{value}"))
        .collect();
    pairs.sort_unstable();
    format!("{path}\r\n{}\r\n{date}\r\n{method}", pairs.join(", "))
}

/// Upper-case hexadecimal HMAC-SHA256 under the UTF-8 bytes of the key value `[D]`.
pub fn signature(key_value: &str, string_to_sign: &str) -> String {
    // HMAC accepts keys of any length, so this cannot fail.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key_value.as_bytes()) else {
        return String::new();
    };
    mac.update(string_to_sign.as_bytes());
    hex::encode_upper(mac.finalize().into_bytes())
}

pub fn authorization(key_id: &str, signature: &str) -> String {
    format!("AzureCDN {key_id}:{signature}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: &str = "00000000-0000-0000-0000-000000000001";
    const E: &str = "00000000-0000-0000-0000-000000000002";
    const P: &str = "00000000-0000-0000-0000-000000000003";

    fn sign(method: &str, path: &str, date: &str) -> String {
        let text = string_to_sign(path, &[("apiVersion", "1.0")], date, method);
        signature("not-a-real-key", &text)
    }

    #[test]
    fn published_vectors() {
        let date = "2024-01-02 13:04:05";
        assert_eq!(
            sign(
                "POST",
                &format!("/subscriptions/{S}/endpoints/{E}/purges"),
                date
            ),
            "77DFCE9EFB891DA4A47EEA9F3AF9FEABA89EF2D1FEE713C7C25F44B4CFF1381C"
        );
        assert_eq!(
            sign(
                "GET",
                &format!("/subscriptions/{S}/endpoints/{E}/purges/{P}"),
                date
            ),
            "B97EFD82E795C6541BA3C9952EF431AD28C370FC30D56BCB217832FC67AA36EC"
        );
        assert_eq!(
            sign(
                "GET",
                &format!("/subscriptions/{S}/endpoints"),
                "2024-1-2 3:4:5"
            ),
            "80314B54DEA0BA404AC5A5E08E7B7B490F8469362536B0295D298E007A1AAE7C"
        );
    }

    #[test]
    fn the_date_has_24_hours_and_is_padded() {
        let afternoon = DateTime::from_timestamp(1_704_200_645, 0).unwrap();
        assert_eq!(request_date(afternoon), "2024-01-02 13:04:05");
    }

    #[test]
    fn query_pairs_are_sorted_and_joined_with_comma_and_space() {
        let text = string_to_sign("/p", &[("b", "2"), ("a", "1")], "D", "GET");
        assert_eq!(text, "/p\r\na:1, b:2\r\nD\r\nGET");
    }
}
