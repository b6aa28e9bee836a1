//! Text that cannot be printed, and masking of it in foreign text.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

pub const MASK: &str = "[secret]";

/// Shortest value that is masked, in bytes. Shorter ones occur in many words, and are no secrets.
const MIN_BYTES: usize = 4;

/// Shortest form that is masked inside a word: a shorter one may be part of any word or id.
const MIN_BYTES_INSIDE: usize = 8;

/// A credential or token. `Debug` and everything built on it shows `[secret]`. It has no `Display`
/// and no `Serialize`, and its memory is wiped on drop.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The text, for signing or sending only.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        bool::from(self.expose().as_bytes().ct_eq(other.expose().as_bytes()))
    }
}

impl Eq for Secret {}

/// Masks known secrets in foreign text: a CDN's message may repeat the key.
///
/// Finds each value as it is, percent-encoded and in base64, alone or inside something longer (as
/// in basic authentication), in upper or lower case, and if an excerpt cut it off with `…`. A value
/// of fewer than 8 bytes is only masked as a separate word, so that a key `wrong` does not spoil
/// `WrongSignature`; a value of fewer than 4 is not masked.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    /// Longest first, so that a value that contains another one is masked as a whole.
    forms: Vec<Secret>,
}

impl Redactor {
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut forms: Vec<String> = secrets
            .into_iter()
            .map(Secret::expose)
            .filter(|text| text.len() >= MIN_BYTES)
            .flat_map(forms)
            .collect();
        forms.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        forms.dedup();
        Self {
            forms: forms.into_iter().map(Secret::new).collect(),
        }
    }

    pub fn redact(&self, text: &str) -> String {
        let mut kept = String::with_capacity(text.len());
        let mut rest = text;
        let mut inside = false;
        while let Some(next) = rest.chars().next() {
            let length = if let Some(bytes) = self.find(rest, inside) {
                kept.push_str(MASK);
                bytes
            } else {
                kept.push(next);
                next.len_utf8()
            };
            let (done, left) = rest.split_at(length);
            inside = done.ends_with(char::is_alphanumeric);
            rest = left;
        }
        kept
    }

    /// How many bytes at the start of a text are a secret. `inside` a word, only long ones count.
    fn find(&self, text: &str, inside: bool) -> Option<usize> {
        self.forms.iter().find_map(|form| {
            let form = form.expose().as_bytes();
            let found = covered(text, form, false).or_else(|| covered(text, form, true));
            found.filter(|end| {
                let is_word = || !inside && !text[*end..].starts_with(char::is_alphanumeric);
                form.len() >= MIN_BYTES_INSIDE || is_word()
            })
        })
    }
}

/// Shortest text of a JSON credential that counts as a secret: names and GUIDs are shorter.
const MIN_TOKEN_BYTES: usize = 40;

/// How a value may appear in a text, besides percent-encoded.
fn forms(text: &str) -> Vec<String> {
    // Excerpts have one line.
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut forms = vec![text.to_owned(), one_line];
    let base64 = [STANDARD.encode(text), URL_SAFE_NO_PAD.encode(text)];
    let inside = (0..3).flat_map(|before| inside_base64(text, before));
    let base64 = base64.into_iter().chain(inside);
    forms.extend(base64.filter(|form| form.len() >= MIN_BYTES_INSIDE));
    // A token in a JSON object, as a command printed it.
    if let Ok(serde_json::Value::Object(printed)) = serde_json::from_str(text) {
        let texts = printed.values().filter_map(serde_json::Value::as_str);
        let tokens = texts.filter(|text| text.len() >= MIN_TOKEN_BYTES);
        forms.extend(tokens.map(str::to_owned));
    }
    forms
}

/// The base64 digits that depend only on `text` if `before` other bytes precede it.
fn inside_base64(text: &str, before: usize) -> [String; 2] {
    let bytes = [&[0; 2][..before], text.as_bytes()].concat();
    // Six bits per digit.
    let digits = (before * 8).div_ceil(6)..bytes.len() * 8 / 6;
    [STANDARD_NO_PAD, URL_SAFE_NO_PAD]
        .map(|engine| engine.encode(&bytes)[digits.clone()].to_owned())
}

/// The length of the prefix of `text` that equals `form`, or the start of `form` before a `…`.
/// Unless `encoded`, `%` is literal.
fn covered(text: &str, form: &[u8], encoded: bool) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    for (done, expected) in form.iter().enumerate() {
        let found = match bytes.get(at..) {
            Some([b'%', high, low, ..]) if encoded => unhex(*high, *low).map(|byte| (byte, 3)),
            Some([b'+', ..]) if encoded && *expected == b' ' => Some((b' ', 1)),
            Some([byte, ..]) => Some((*byte, 1)),
            Some([]) | None => None,
        };
        match found {
            Some((byte, length)) if byte.eq_ignore_ascii_case(expected) => at += length,
            Some(_) | None => {
                let is_cut = done >= MIN_BYTES && bytes[at..].starts_with("…".as_bytes());
                return is_cut.then_some(at);
            }
        }
    }
    Some(at)
}

fn unhex(high: u8, low: u8) -> Option<u8> {
    let [byte] = hex::FromHex::from_hex([high, low]).ok()?;
    Some(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "not-a/real+key==";

    fn redact(values: &[&str], text: &str) -> String {
        let secrets: Vec<_> = values.iter().copied().map(Secret::new).collect();
        Redactor::new(&secrets).redact(text)
    }

    #[test]
    fn a_value_is_masked_wherever_it_stands() {
        for (text, expected) in [
            ("key not-a/real+key== is wrong", "key [secret] is wrong"),
            ("not-a/real+key==not-a/real+key==", "[secret][secret]"),
            ("NOT-A/Real+Key==", "[secret]"),
            ("?k=not-a%2Freal%2bkey%3D%3d&x", "?k=[secret]&x"),
            ("?k=%6eot-a/real%2Bkey==", "?k=[secret]"),
            ("é…not-a/real+key==…é", "é…[secret]…é"),
            ("not-a/real", "not-a/real"),
            ("", ""),
        ] {
            assert_eq!(redact(&[KEY], text), expected);
        }
        assert_eq!(redact(&["100%25 a key"], "100%25 a key"), MASK);
        assert_eq!(
            redact(&["100% a key"], "100%25+a+key, 100% a key"),
            "[secret], [secret]"
        );
        assert_eq!(redact(&["ключ-é"], "%D0%BAлюч-é!"), "[secret]!");
    }

    #[test]
    fn base64_is_masked_also_inside_something_longer() {
        let odd = "?>?>?>not-a-real-key";
        for text in [KEY, odd] {
            assert_eq!(redact(&[text], &STANDARD.encode(text)), MASK);
            assert_eq!(redact(&[text], &URL_SAFE_NO_PAD.encode(text)), MASK);
            for user in ["a:", "ab:", "abc:"] {
                for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
                    let basic = engine.encode(format!("{user}{text}!!"));
                    let shown = redact(&[text], &basic);
                    assert!(shown.contains(MASK), "{shown}");
                    // At most one digit on either side belongs partly to the value.
                    assert!(shown.len() <= MASK.len() + 12, "{shown}");
                }
            }
        }
    }

    #[test]
    fn what_an_excerpt_left_of_a_value_is_masked() {
        assert_eq!(redact(&[KEY], "wrong: not-a…"), "wrong: [secret]…");
        assert_eq!(redact(&[KEY], "wrong: not-a%2fre…"), "wrong: [secret]…");
        assert_eq!(redact(&[KEY], "wrong: not…"), "wrong: not…");
        let lines = "-----BEGIN-----\nnot-a-real-key\n-----END-----";
        assert_eq!(
            redact(&[lines], "-----BEGIN----- not-a-real-key -----END-----"),
            MASK
        );
    }

    #[test]
    fn the_longest_value_wins_and_short_ones_are_left_alone() {
        assert_eq!(
            redact(&["real", "not-a-real-key"], "not-a-real-key, real"),
            "[secret], [secret]"
        );
        assert_eq!(
            redact(&["wrong"], "WrongSignature: `wrong` rewrong, wrong…"),
            "WrongSignature: `[secret]` rewrong, [secret]…"
        );
        assert_eq!(redact(&["abc", ""], "abc is no secret"), "abc is no secret");
        assert_eq!(redact(&[], "anything"), "anything");
    }

    #[test]
    fn a_redactor_cannot_be_printed() {
        let redactor = Redactor::new([&Secret::new("not-a-real-key")]);
        assert!(!format!("{redactor:?}").contains("not-a"));
    }
}
