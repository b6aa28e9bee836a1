//! Translates the YAML parser's errors into messages that a user can act on.

use granit_parser::{ErrorKind, ScanError};

use super::problem::{Problem, Span};

pub(super) fn syntax_problem(error: &ScanError, text: &str) -> Problem {
    let at = error.marker().byte_offset().unwrap_or(text.len());
    let (message, hint) = explain(error.kind());
    Problem::error(Span::new(at, at + char_len(text, at)), message)
        .maybe_hint(hint.map(str::to_owned))
}

fn char_len(text: &str, at: usize) -> usize {
    text.get(at..)
        .and_then(|rest| rest.chars().next())
        .filter(|c| *c != '\n' && *c != '\r')
        .map_or(0, char::len_utf8)
}

const TABS: &str = "indent with spaces";
const COLON: &str =
    "put the text in quotes if it holds `: `, or check the indentation of this line";
const CLOSE: &str = "close it, or put the text in quotes if the bracket belongs to it";

/// Message and hint. Keeps the parser's own message if it is plain enough.
fn explain(kind: &ErrorKind) -> (String, Option<&'static str>) {
    let (message, hint) = match kind {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => ("tabs cannot be used here", Some(TABS)),
        ErrorKind::UnclosedQuotedScalar => ("the quote is never closed", None),
        ErrorKind::UnknownQuotedScalarEscape => (
            "unknown escape in a double-quoted text",
            Some("write `\\\\` for a backslash, or use single quotes"),
        ),
        ErrorKind::UnclosedFlowCollection { open } => {
            return (format!("the bracket `{open}` is never closed"), Some(CLOSE));
        }
        ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofImplicitFlowMapping => {
            ("the text ends inside brackets", Some(CLOSE))
        }
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
            return (format!("the bracket `{open}` is closed by `{close}`"), None);
        }
        ErrorKind::MisplacedFlowCollectionEnd => ("this bracket was never opened", None),
        ErrorKind::ExpectedFlowMappingSeparator => ("expected `,` or `}`", Some(CLOSE)),
        ErrorKind::ExpectedFlowSequenceSeparator => ("expected `,` or `]`", Some(CLOSE)),
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement => {
            ("a `:` cannot stand here", Some(COLON))
        }
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => {
            ("expected `:` behind the key", Some(COLON))
        }
        ErrorKind::ExpectedBlockMappingKey => (
            "expected a key",
            Some("the keys of a mapping start in the same column"),
        ),
        ErrorKind::ExpectedBlockSequenceEntry => (
            "expected `- `",
            Some("the entries of a list start in the same column"),
        ),
        ErrorKind::InvalidIndentation => (
            "the indentation matches nothing above",
            Some("the keys of a mapping start in the same column"),
        ),
        ErrorKind::BlockSequenceEntryNotAllowed => (
            "a list cannot start here",
            Some("start it on the next line, or write it in `[…]`"),
        ),
        ErrorKind::UnknownAnchor => (
            "the alias has no anchor before it in this document",
            Some("put a text that starts with `*` in quotes"),
        ),
        ErrorKind::UnexpectedCharacter { character } => {
            return (
                format!(
                    "the character `{}` cannot start a text",
                    character.escape_default()
                ),
                Some("put the text in quotes"),
            );
        }
        // The parser's enum is non-exhaustive, and its other messages are plain.
        other => return (other.to_string(), None),
    };
    (message.to_owned(), hint)
}
