//! Builds the tree from the parser's events, within the bounds.

use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

use granit_parser::{ErrorKind, Event, Options, Parser, ScalarStyle, ScanError, StrInput, Tag};

use super::messages::syntax_problem;
use super::{Bounds, Content, Node, Pair, Scalar, Stream};
use crate::diagnostic::shown;
use crate::manifest::credential::may_hold_secret;
use crate::manifest::problem::{Problem, Problems, Span};

/// Mappings up to this size are checked for repeated keys pair by pair, which needs no memory.
const SMALL_MAPPING: usize = 12;

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
        let stopped = match builder.document(&mut parser, text) {
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
        problems.push(stop.problem);
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

const SPLIT: &str = "spread it over several files";

enum Document<'s> {
    Root(Node<'s>),
    Empty,
    End,
}

/// Why a document is given up.
struct Stop {
    problem: Problem,
    /// Whether the rest of the file is given up with it.
    exhausted: bool,
}

/// A node with an anchor, and what an alias to it costs.
struct Anchored<'s> {
    content: Rc<Content<'s>>,
    nodes: usize,
    height: usize,
}

/// A collection that is not closed yet.
struct Open<'s> {
    span: Span,
    anchor: usize,
    nodes_before: usize,
    height: usize,
    kind: Kind<'s>,
}

enum Kind<'s> {
    Sequence(Vec<Node<'s>>),
    Mapping {
        pairs: Vec<Pair<'s>>,
        key: Option<Node<'s>>,
    },
}

struct Builder<'s, 'b> {
    bounds: &'b Bounds,
    /// Nodes of the file so far, aliases unfolded.
    nodes: usize,
    /// Those of them that stem from aliases.
    aliased: usize,
    stack: Vec<Open<'s>>,
    anchors: HashMap<usize, Anchored<'s>>,
    problems: &'b Problems,
}

impl<'s, 'b> Builder<'s, 'b> {
    fn new(bounds: &'b Bounds, problems: &'b Problems) -> Self {
        Self {
            bounds,
            nodes: 0,
            aliased: 0,
            stack: Vec::new(),
            anchors: HashMap::new(),
            problems,
        }
    }

    fn document(
        &mut self,
        parser: &mut Parser<'s, StrInput<'s>>,
        text: &'s str,
    ) -> Result<Document<'s>, Stop> {
        self.stack.clear();
        self.anchors.clear();
        let mut root = None;
        loop {
            let (event, span) = match parser.next_event() {
                Some(Ok(event)) => event,
                Some(Err(error)) => return Err(self.syntax(&error, text)),
                None => return Ok(Document::End),
            };
            let span = span
                .byte_range()
                .map_or_else(Span::default, |range| Span::new(range.start, range.end));
            let finished = match event {
                Event::StreamEnd => return Ok(Document::End),
                Event::DocumentEnd => {
                    return Ok(match root.take() {
                        Some(Node {
                            content: Content::Null,
                            ..
                        })
                        | None => Document::Empty,
                        Some(node) => Document::Root(node),
                    });
                }
                Event::Scalar(text, style, anchor, tag) => {
                    self.count(span)?;
                    let content = self.scalar(text, style, tag.as_deref(), span);
                    Some(self.anchored(Node { span, content }, anchor, self.nodes - 1, 0))
                }
                Event::SequenceStart(_, anchor, tag) => {
                    self.open(span, anchor, tag.as_deref(), Kind::Sequence(Vec::new()))?;
                    None
                }
                Event::MappingStart(_, anchor, tag) => {
                    let (pairs, key) = (Vec::new(), None);
                    self.open(span, anchor, tag.as_deref(), Kind::Mapping { pairs, key })?;
                    None
                }
                Event::SequenceEnd | Event::MappingEnd => self.close(span),
                Event::Alias(anchor) => Some(self.alias(anchor, span)?),
                // Starts, and presentation that was not asked for. The parser's enum is open.
                _ => None,
            };
            if let Some(node) = finished {
                self.place(node, &mut root);
            }
        }
    }

    fn count(&mut self, span: Span) -> Result<(), Stop> {
        self.nodes += 1;
        if self.nodes <= self.bounds.nodes {
            return Ok(());
        }
        let message = format!("the file has too many values, limit {}", self.bounds.nodes);
        Err(Stop {
            problem: Problem::error(span, message).hint(SPLIT),
            exhausted: true,
        })
    }

    fn too_deep(&self, span: Span) -> Stop {
        let message = format!("nested too deeply, limit {} levels", self.bounds.depth);
        Stop {
            problem: Problem::error(span, message),
            exhausted: false,
        }
    }

    fn open(
        &mut self,
        span: Span,
        anchor: usize,
        tag: Option<&Tag>,
        kind: Kind<'s>,
    ) -> Result<(), Stop> {
        let nodes_before = self.nodes;
        self.count(span)?;
        if self.stack.len() >= self.bounds.depth {
            return Err(self.too_deep(span));
        }
        let own = match &kind {
            Kind::Sequence(_) => "seq",
            Kind::Mapping { .. } => "map",
        };
        if let Some(tag) = tag.filter(|tag| tag.core_suffix() != Some(own)) {
            self.refuse_tag(tag, span);
        }
        self.stack.push(Open {
            span,
            anchor,
            nodes_before,
            height: 0,
            kind,
        });
        Ok(())
    }

    fn close(&mut self, end: Span) -> Option<Node<'s>> {
        let open = self.stack.pop()?;
        let content = match open.kind {
            Kind::Sequence(items) => Content::Sequence(items),
            Kind::Mapping { pairs, .. } => Content::Mapping(self.without_repeats(pairs)),
        };
        let span = Span {
            start: open.span.start,
            end: end.end.max(open.span.end),
        };
        let node = Node { span, content };
        Some(self.anchored(node, open.anchor, open.nodes_before, open.height + 1))
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<Node<'s>, Stop> {
        let stop = |problem| Stop {
            problem,
            exhausted: false,
        };
        let Some(target) = self.anchors.get(&anchor) else {
            let message = "the alias stands inside the value that it repeats";
            return Err(stop(Problem::error(span, message)));
        };
        let (content, nodes, height) = (target.content.clone(), target.nodes, target.height);
        if self.stack.len() + height > self.bounds.depth {
            return Err(self.too_deep(span));
        }
        self.nodes += nodes;
        self.aliased += nodes;
        if self.aliased > self.bounds.aliased {
            let limit = self.bounds.aliased;
            let message = format!("the aliases unfold to too many values, limit {limit}");
            return Err(Stop {
                exhausted: true,
                ..stop(Problem::error(span, message).hint("write the values out"))
            });
        }
        if let Some(parent) = self.stack.last_mut() {
            parent.height = parent.height.max(height);
        }
        Ok(Node {
            span,
            content: Content::Shared(content),
        })
    }

    /// Keeps a finished node for the aliases that may follow.
    fn anchored(
        &mut self,
        mut node: Node<'s>,
        anchor: usize,
        nodes_before: usize,
        height: usize,
    ) -> Node<'s> {
        if let Some(parent) = self.stack.last_mut() {
            parent.height = parent.height.max(height);
        }
        if anchor != 0 {
            let content = Rc::new(node.content);
            node.content = Content::Shared(content.clone());
            let nodes = self.nodes - nodes_before;
            self.anchors.insert(
                anchor,
                Anchored {
                    content,
                    nodes,
                    height,
                },
            );
        }
        node
    }

    /// Puts a finished node where it belongs.
    fn place(&mut self, node: Node<'s>, root: &mut Option<Node<'s>>) {
        match self.stack.last_mut().map(|open| &mut open.kind) {
            None => *root = Some(node),
            Some(Kind::Sequence(items)) => items.push(node),
            Some(Kind::Mapping { key, pairs }) => match key.take() {
                None => *key = Some(node),
                Some(key) => {
                    let key_span = key.span;
                    match key.content() {
                        Content::Scalar(scalar) if scalar.plain && scalar.text == "<<" => {
                            self.problems.push(
                                Problem::error(key_span, "merge keys (`<<`) are not supported")
                                    .hint("write the fields out, or alias a whole value"),
                            );
                        }
                        Content::Scalar(scalar) => pairs.push(Pair {
                            key: scalar.text.clone(),
                            key_span,
                            value: node,
                        }),
                        other => self.problems.push(Problem::error(
                            key_span,
                            format!("a key must be text, found {}", other.describe()),
                        )),
                    }
                }
            },
        }
    }

    fn scalar(
        &self,
        text: Cow<'s, str>,
        style: ScalarStyle,
        tag: Option<&Tag>,
        span: Span,
    ) -> Content<'s> {
        let mut plain = style == ScalarStyle::Plain;
        match tag.map(|tag| (tag, tag.core_suffix())) {
            Some((_, Some("str"))) => plain = false,
            None | Some((_, Some("int" | "float" | "bool" | "null"))) => {}
            Some((tag, _)) => self.refuse_tag(tag, span),
        }
        if plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL") {
            Content::Null
        } else {
            Content::Scalar(Scalar { text, plain })
        }
    }

    fn refuse_tag(&self, tag: &Tag, span: Span) {
        let message = format!("the tag `{}` is not supported", shown(&tag.original()));
        let problem = Problem::error(span, message);
        self.problems
            .push(problem.hint("remove it: the field decides how its value is read"));
    }

    /// Keeps the first of each key, and reports the others.
    fn without_repeats(&self, pairs: Vec<Pair<'s>>) -> Vec<Pair<'s>> {
        let mut kept: Vec<Pair<'s>> = Vec::with_capacity(pairs.len());
        let mut index: HashMap<Cow<'s, str>, usize> = HashMap::new();
        let indexed = pairs.len() > SMALL_MAPPING;
        for pair in pairs {
            let first = if indexed {
                index.get(&pair.key).copied()
            } else {
                kept.iter().position(|other| other.key == pair.key)
            };
            if let Some(first) = first.and_then(|first| kept.get(first)) {
                let message = format!("the key `{}` stands here a second time", shown(&pair.key));
                self.problems.push(
                    Problem::error(pair.key_span, message)
                        .hint("keep one of the two")
                        .related("it stands here first", first.key_span),
                );
                continue;
            }
            if indexed {
                index.insert(pair.key.clone(), kept.len());
            }
            kept.push(pair);
        }
        kept
    }

    fn syntax(&self, error: &ScanError, text: &str) -> Stop {
        let at = error.marker().byte_offset().unwrap_or(text.len());
        mask_doubtful_line(text, at, self.problems);
        if *error.kind() == ErrorKind::RecursionLimitExceeded {
            return self.too_deep(Span::new(at, at));
        }
        Stop {
            problem: syntax_problem(error, text),
            exhausted: false,
        }
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
