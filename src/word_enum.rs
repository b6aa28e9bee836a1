//! Enums whose variants each have one word: in JSON, in manifests, on the command line, in messages.

/// Declares such an enum with `ALL`, `WORDS`, `as_str` and `Display`; `serde` in front of it also derives its
/// JSON and its schema.
macro_rules! word_enum {
    (
        serde
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $($(#[$note:meta])* $variant:ident = $word:literal,)*
        }
    ) => {
        $crate::word_enum::word_enum! {
            $(#[$meta])*
            #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
            $vis enum $name {
                $($(#[$note])* #[serde(rename = $word)] $variant = $word,)*
            }
        }
    };
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $($(#[$note:meta])* $variant:ident = $word:literal,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $name {
            $($(#[$note])* $variant,)*
        }

        impl $name {
            $vis const ALL: [Self; [$($word),*].len()] = [$(Self::$variant),*];

            /// The words with their variants, as manifests read them.
            $vis const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$variant)),*];

            $vis const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

pub(crate) use word_enum;
