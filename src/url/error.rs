//! Why a text is not a URL, and what to write instead.

use thiserror::Error;

use super::MAX_URL_BYTES;

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UrlError {
    #[error("the URL must be absolute and start with `https://` or `http://`")]
    NotAbsolute,
    #[error("the host `{0}` is not a valid host name")]
    BadHost(String),
    #[error("the port `{0}` is not a number from 1 to 65535")]
    BadPort(String),
    #[error("the URL must not carry a user name or password")]
    UserInfo,
    #[error("the URL must not have a fragment (`#…`): it never reaches the CDN")]
    Fragment,
    #[error("the URL has a control character at byte {0}")]
    Control(usize),
    #[error("the URL has leading or trailing white space")]
    OuterSpace,
    /// A raw character that is invisible or reorders its neighbours; allowed if percent-encoded.
    #[error("the URL has the invisible character U+{:04X}", u32::from(*.0))]
    Invisible(char),
    #[error("the URL has a backslash at byte {0}: write `/` or `%5C`")]
    Backslash(usize),
    #[error("the path has a `{0}` segment: write the path without it")]
    DotSegment(&'static str),
    #[error("the `%` at byte {0} is not followed by two hexadecimal digits: write `%25`")]
    BadEscape(usize),
    #[error("a directory must end in `/`")]
    NoTrailingSlash,
    #[error("a directory must not have a query string")]
    DirectoryQuery,
    #[error("the URL has {0} bytes, limit {MAX_URL_BYTES}")]
    TooLong(usize),
}

impl UrlError {
    /// What to write instead, if the text shows it.
    pub fn hint(&self, raw: &str) -> Option<String> {
        if Self::may_hold_password(raw) {
            return None;
        }
        match self {
            Self::NoTrailingSlash => Some(format!("write `{raw}/`, or list it under `files`")),
            Self::DirectoryQuery => {
                let path = raw.split('?').next().unwrap_or(raw);
                Some(format!("write `{path}`, or list it under `files`"))
            }
            Self::NotAbsolute if raw.contains("://") => None,
            Self::NotAbsolute if raw.starts_with('/') => Some(format!(
                "write `https://www.example.com{raw}` with your host"
            )),
            Self::NotAbsolute => Some(format!("did you mean `https://{raw}`?")),
            Self::Fragment => {
                let front = raw.split('#').next().unwrap_or(raw);
                Some(format!("write `{front}`, or `%23` for a `#` in a name"))
            }
            Self::Backslash(_) => Some(format!("write `{}`", raw.replace('\\', "/"))),
            Self::BadHost(host) if host.contains('*') => {
                Some("a URL names one host; wildcards belong to an endpoint's `hosts`".to_owned())
            }
            Self::BadHost(host) if host.ends_with('.') => {
                Some("write the host without the dot at its end".to_owned())
            }
            Self::OuterSpace => Some(format!("write `{}`", raw.trim())),
            Self::Invisible(_) => Some("retype the URL, or percent-encode the character".into()),
            Self::TooLong(_) => Some("purge a directory above it instead".to_owned()),
            Self::BadHost(_)
            | Self::BadPort(_)
            | Self::UserInfo
            | Self::Control(_)
            | Self::DotSegment(_)
            | Self::BadEscape(_) => None,
        }
    }

    /// Whether a refused text may hold a password, so that it must not be repeated.
    pub fn may_hold_password(raw: &str) -> bool {
        let rest = raw.split("://").nth(1).unwrap_or(raw);
        let authority = rest.split('/').next();
        authority.is_some_and(|authority| authority.contains('@'))
    }
}
