//! Reads the documents of a text one by one.

use granit_parser::{ErrorKind, Event, Options, Parser, ScanError, StrInput};

use super::build::{Builder, SPLIT, Stop};
use super::mask::may_hold_secret;
use super::messages::syntax_problem;
use super::problem::{Problem, Problems, Span};
use super::tree::{Bounds, Content, Node, Stream};

/// Reads all documents of a text. After a syntax error reading goes on at the next `---`.
pub fn read<'s>(text: &'s str, bounds: &Bounds, problems: &Problems) -> Stream<'s> {
    let mut stream = Stream::default();
    if let Some(problem) = unreadable_as_a_whole(text, bounds) {
        problems.push(problem);
        stream.unreadable += 1;
        return stream;
    }
    let mut options = Options::default();
    options.set_emit_comments(false);
    options.flow_nesting_limit = bounds.depth + 1;
    options.block_nesting_limit = bounds.depth + 1;
    let mut parser = Parser::new_from_str_with_options(text, options);
    let mut builder = Builder::new(bounds, problems);
    loop {
        let stopped = match document(&mut parser, &mut builder, text) {
            Ok(Document::Root(node)) => {
                stream.documents.push(node);
                None
            }
            Ok(Document::Empty) => None,
            Ok(Document::End) => break,
            Err(stop) => Some(stop),
        };
        let Some(stop) = stopped else { continue };
        let exhausted = stop.exhausted;
        problems.push(*stop.problem);
        stream.unreadable += 1;
        if exhausted || !matches!(parser.proceed_next_document(), Ok(true)) {
            break;
        }
    }
    stream
}

fn unreadable_as_a_whole(text: &str, bounds: &Bounds) -> Option<Problem> {
    if text.len() > bounds.bytes {
        let message = format!("the file has {} bytes, limit {}", text.len(), bounds.bytes);
        return Some(Problem::error(Span::new(0, 0), message).hint(SPLIT));
    }
    // The parser takes a NUL for the end of the text.
    let nul = text.find('\0')?;
    let message = format!("the file has a NUL character at byte {nul}");
    Some(
        Problem::error(Span::new(nul, nul + 1), message)
            .hint("manifests are text files in UTF-8; is this one?"),
    )
}

enum Document<'s> {
    Root(Node<'s>),
    Empty,
    End,
}

fn document<'s>(
    parser: &mut Parser<'s, StrInput<'s>>,
    builder: &mut Builder<'s, '_>,
    text: &'s str,
) -> Result<Document<'s>, Stop> {
    builder.start();
    loop {
        let (event, span) = match parser.next_event() {
            Some(Ok(event)) => event,
            Some(Err(error)) => return Err(syntax(&error, text, builder)),
            None => return Ok(Document::End),
        };
        match event {
            Event::StreamEnd => return Ok(Document::End),
            Event::DocumentEnd => {
                let root = builder.finish();
                let root = root.filter(|node| !matches!(node.content(), Content::Null));
                return Ok(root.map_or(Document::Empty, Document::Root));
            }
            event => {
                let range = span.byte_range();
                let span =
                    range.map_or_else(Span::default, |range| Span::new(range.start, range.end));
                builder.event(event, span)?;
            }
        }
    }
}

fn syntax(error: &ScanError, text: &str, builder: &Builder<'_, '_>) -> Stop {
    let at = error.marker().byte_offset().unwrap_or(text.len());
    mask_doubtful_line(text, at, builder.problems());
    if *error.kind() == ErrorKind::RecursionLimitExceeded {
        return builder.too_deep(Span::new(at, at));
    }
    Stop {
        problem: syntax_problem(error, text).into(),
        exhausted: false,
    }
}

/// A text that cannot be parsed has no fields, so whether the line of the error holds a credential
/// is judged by its words and those of the lines above.
fn mask_doubtful_line(text: &str, at: usize, problems: &Problems) {
    /// Lines that are looked at: a flow mapping seldom spans more.
    const LINES: usize = 4;
    let at = at.min(text.len());
    let (front, back) = text.as_bytes().split_at(at);
    let end = at + back.iter().position(|b| *b == b'\n').unwrap_or(back.len());
    let is_break = |(at, byte): (usize, &u8)| (*byte == b'\n').then_some(at + 1);
    let mut breaks = front.iter().enumerate().rev().filter_map(is_break);
    let start = breaks.next().unwrap_or(0);
    let first = breaks.nth(LINES - 2).unwrap_or(0).min(start);
    if text.get(first..end).is_some_and(may_hold_secret) {
        problems.mask(Span::new(start, end));
    }
}
