//! What a command line printed and how it ended, as one value.

use std::fmt;
use std::path::Path;

use serde_json::Value;

/// The end of a process.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Output {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// `None` when a signal killed it.
    pub(crate) code: Option<i32>,
    /// What the temporary folder is called, to be scrubbed.
    folder: String,
}

impl Output {
    pub(super) fn new(stdout: String, stderr: String, code: Option<i32>, folder: &Path) -> Self {
        Self {
            stdout,
            stderr,
            code,
            folder: folder.display().to_string(),
        }
    }

    /// Asserts the exit code, and that nothing panicked.
    #[track_caller]
    pub(crate) fn code(self, expected: i32) -> Self {
        assert_eq!(self.code, Some(expected), "{self:?}");
        assert!(!self.stderr.contains("panicked"), "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn stdout_has(self, text: &str) -> Self {
        assert!(
            self.stdout.contains(text),
            "no `{text}` on stdout of {self:?}"
        );
        self
    }

    #[track_caller]
    pub(crate) fn stdout_lacks(self, text: &str) -> Self {
        assert!(
            !self.stdout.contains(text),
            "`{text}` on stdout of {self:?}"
        );
        self
    }

    #[track_caller]
    pub(crate) fn stderr_has(self, text: &str) -> Self {
        assert!(
            self.stderr.contains(text),
            "no `{text}` on stderr of {self:?}"
        );
        self
    }

    #[track_caller]
    pub(crate) fn stderr_lacks(self, text: &str) -> Self {
        assert!(
            !self.stderr.contains(text),
            "`{text}` on stderr of {self:?}"
        );
        self
    }

    /// Asserts that nothing was printed there.
    #[track_caller]
    pub(crate) fn stdout_is_empty(self) -> Self {
        assert_eq!(self.stdout, "", "{self:?}");
        self
    }

    /// Asserts that nothing was printed there.
    #[track_caller]
    pub(crate) fn stderr_is_empty(self) -> Self {
        assert_eq!(self.stderr, "", "{self:?}");
        self
    }

    /// Stdout as the one JSON document it is.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// All of it, without what differs from run to run: for snapshots.
    pub(crate) fn scrubbed(&self) -> String {
        scrub(&self.to_string(), &self.folder)
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self
            .code
            .map_or_else(|| "none".to_owned(), |code| code.to_string());
        write!(
            f,
            "exit: {code}\n--- stdout\n{}--- stderr\n{}",
            self.stdout, self.stderr
        )
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this output:\n{self}")
    }
}

/// Takes away what differs from run to run: folders, ports, ids, digests, times.
fn scrub(text: &str, folder: &str) -> String {
    let text = text.replace(folder, "[FOLDER]");
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        let found = PATTERNS
            .iter()
            .find_map(|(pattern, name)| Some((length(pattern, rest)?, *name)));
        // Not in the middle of a longer word.
        let at_start = !out.ends_with(|c: char| c.is_ascii_alphanumeric());
        if let Some((length, name)) = found.filter(|_| at_start) {
            out.push_str(name);
            rest = &rest[length..];
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    out
}

/// `9` stands for one digit, `f` for one hexadecimal digit, `#` for digits up to the next other
/// character, anything else for itself.
const PATTERNS: &[(&str, &str)] = &[
    (
        "sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "[DIGEST]",
    ),
    ("ffffffff-ffff-ffff-ffff-ffffffffffff", "[GUID]"),
    ("127.0.0.1:#", "[ADDRESS]"),
    ("#.9 s", "[SECONDS]"),
    ("9999-99-99T99:99:99Z", "[TIME]"),
    ("9999-99-99 99:99:99Z", "[TIME]"),
];

/// Bytes at the front of `text` that a pattern stands for.
fn length(pattern: &str, text: &str) -> Option<usize> {
    let mut bytes = text.bytes().peekable();
    let mut length = 0;
    for mark in pattern.bytes() {
        let fits = |byte: &u8| match mark {
            b'9' | b'#' => byte.is_ascii_digit(),
            b'f' => byte.is_ascii_hexdigit(),
            mark => *byte == mark,
        };
        bytes.next_if(fits)?;
        length += 1;
        while mark == b'#' && bytes.next_if(fits).is_some() {
            length += 1;
        }
    }
    Some(length)
}

#[test]
fn scrubbing_takes_away_what_differs() {
    let digest = "0123456789abcdef".repeat(4);
    let text = format!(
        "/tmp/x/a sha256:{digest} 00000000-0000-0000-0000-0000000000aa 127.0.0.1:4711/b \
         2026-11-20T01:02:03Z [2026-11-20 01:02:03Z] 2026-11-20"
    );
    assert_eq!(
        scrub(&text, "/tmp/x"),
        "[FOLDER]/a [DIGEST] [GUID] [ADDRESS]/b [TIME] [[TIME]] 2026-11-20"
    );
}
