//! Declares the documented errors of an API.

/// Declares a constant for each error, built by `ErrorCode::new`, and lists them all.
macro_rules! error_codes {
    ($($name:ident = $code:literal, $($rest:expr),+;)*) => {
        $(pub(super) const $name: ErrorCode = ErrorCode::new($code, $($rest),+);)*

        impl ErrorCode {
            pub const ALL: &'static [Self] = &[$($name),*];
            pub const WORDS: &'static [&'static str] = &[$(concat!($code)),*];

            pub(super) fn named(name: &str) -> Option<Self> {
                let mut words = Self::WORDS.iter().zip(Self::ALL);
                let named = words.find(|(word, _)| word.eq_ignore_ascii_case(name));
                named.map(|(_, error)| *error)
            }
        }
    };
}

pub(super) use error_codes;
