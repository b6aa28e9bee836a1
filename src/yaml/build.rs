//! Parses a text's documents into trees, within bounds.

use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

use granit_parser::{ErrorKind, Event, Options, Parser, ScalarStyle, ScanError, StrInput, Tag};

use super::mask::may_hold_secret;
use super::messages::syntax_problem;
use super::problem::{Problem, Problems, Span};
use super::tree::{Bounds, Content, Node, Pair, Scalar, Stream};
use crate::diagnostic::shown;

/// Mappings up to this size are checked for duplicate keys pair by pair, without allocating.
const SMALL_MAPPING: usize = 12;

const SPLIT: &str = "spread it over several files";

/// Parses all documents of a text. After a syntax error it continues at the next `---`.
pub fn read<'s>(text: &'s str, bounds: &Bounds, problems: &Problems) -> Stream<'s> {
    let mut stream = Stream::default();
    if let Some(problem) = unreadable(text, bounds) {
        problems.push(problem);
        stream.unreadable += 1;
        return stream;
    }
    let mut options = Options::default();
    options.set_emit_comments(false);
    options.flow_nesting_limit = bounds.depth + 1;
    options.block_nesting_limit = bounds.depth + 1;
    let mut builder = Builder {
        text,
        parser: Parser::new_from_str_with_options(text, options),
        bounds,
        problems,
        nodes: 0,
        aliased: 0,
        anchors: HashMap::new(),
    };
    loop {
        builder.anchors.clear();
        let stop = match builder.document() {
            Ok(None) => return stream,
            Ok(Some(node)) => {
                let is_empty = matches!(node.content(), Content::Null);
                stream.documents.extend((!is_empty).then_some(node));
                continue;
            }
            Err(stop) => stop,
        };
        let exhausted = stop.exhausted;
        problems.push(*stop.problem);
        stream.unreadable += 1;
        if exhausted || !matches!(builder.parser.proceed_next_document(), Ok(true)) {
            return stream;
        }
    }
}

fn unreadable(text: &str, bounds: &Bounds) -> Option<Problem> {
    if text.len() > bounds.bytes {
        let message = format!("the file has {} bytes, limit {}", text.len(), bounds.bytes);
        return Some(Problem::error(Span::new(0, 0), message).hint(SPLIT));
    }
    // The parser treats a NUL as the end of the text.
    let nul = text.find('\0')?;
    let message = format!("the file has a NUL character at byte {nul}");
    let problem = Problem::error(Span::new(nul, nul + 1), message);
    Some(problem.hint("manifests are text files in UTF-8; is this one?"))
}

struct Stop {
    problem: Box<Problem>,
    exhausted: bool,
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self {
            problem: problem.into(),
            exhausted: false,
        }
    }
}

/// A node with an anchor, and the cost of an alias to it.
struct Anchored<'s> {
    content: Rc<Content<'s>>,
    nodes: usize,
    height: usize,
}

struct Builder<'s, 'b> {
    text: &'s str,
    parser: Parser<'s, StrInput<'s>>,
    bounds: &'b Bounds,
    problems: &'b Problems,
    /// Nodes of the file so far, with aliases expanded.
    nodes: usize,
    /// How many of them come from aliases.
    aliased: usize,
    anchors: HashMap<usize, Anchored<'s>>,
}

impl<'s> Builder<'s, '_> {
    /// The root of the next document; `None` at the end of the text.
    fn document(&mut self) -> Result<Option<Node<'s>>, Stop> {
        let mut root = None;
        while let Some((event, span)) = self.next()? {
            match event {
                Event::StreamEnd => break,
                Event::StreamStart | Event::DocumentStart(..) => {}
                Event::DocumentEnd => return Ok(root),
                event => root = Some(self.node(event, span, 0)?.0),
            }
        }
        Ok(None)
    }

    fn next(&mut self) -> Result<Option<(Event<'s>, Span)>, Stop> {
        match self.parser.next_event() {
            None => Ok(None),
            Some(Ok((event, span))) => {
                let range = span.byte_range().unwrap_or_default();
                Ok(Some((event, Span::new(range.start, range.end))))
            }
            Some(Err(error)) => Err(self.syntax(&error)),
        }
    }

    fn syntax(&self, error: &ScanError) -> Stop {
        let at = error.marker().byte_offset().unwrap_or(self.text.len());
        mask_doubtful_line(self.text, at, self.problems);
        match error.kind() {
            ErrorKind::RecursionLimitExceeded => self.too_deep(Span::new(at, at)),
            _ => syntax_problem(error, self.text).into(),
        }
    }

    /// The node that starts at an event, and its height. The depth limit bounds the recursion.
    fn node(
        &mut self,
        event: Event<'s>,
        mut span: Span,
        depth: usize,
    ) -> Result<(Node<'s>, usize), Stop> {
        let before = self.nodes;
        let mut height = 0;
        let (content, anchor) = match event {
            Event::Alias(anchor) => return self.alias(anchor, span, depth),
            Event::SequenceStart(_, anchor, tag) => {
                self.enter(span, depth, tag.as_deref(), "seq")?;
                let mut items = Vec::new();
                while let Some(item) = self.item(&mut span, depth, &mut height)? {
                    items.push(item);
                }
                (Content::Sequence(items), anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.enter(span, depth, tag.as_deref(), "map")?;
                let mut pairs = Vec::new();
                while let Some(key) = self.item(&mut span, depth, &mut height)? {
                    let Some(value) = self.item(&mut span, depth, &mut height)? else {
                        break;
                    };
                    pairs.extend(self.pair(&key, value));
                }
                (Content::Mapping(self.without_repeats(pairs)), anchor)
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.count(span)?;
                (self.scalar(text, style, tag.as_deref(), span), anchor)
            }
            // Events about layout, which are switched off. The parser's enum is non-exhaustive.
            _ => (Content::Null, 0),
        };
        let mut node = Node { span, content };
        if anchor != 0 {
            let content = Rc::new(node.content);
            node.content = Content::Shared(content.clone());
            let nodes = self.nodes - before;
            let anchored = Anchored {
                content,
                nodes,
                height,
            };
            self.anchors.insert(anchor, anchored);
        }
        Ok((node, height))
    }

    /// The next node of a collection, extending its span and height; `None` at its end.
    fn item(
        &mut self,
        around: &mut Span,
        depth: usize,
        height: &mut usize,
    ) -> Result<Option<Node<'s>>, Stop> {
        let Some((event, span)) = self.next()? else {
            return Ok(None);
        };
        if matches!(event, Event::SequenceEnd | Event::MappingEnd) {
            around.end = around.end.max(span.end);
            *height += 1;
            return Ok(None);
        }
        let (node, own) = self.node(event, span, depth + 1)?;
        *height = own.max(*height);
        Ok(Some(node))
    }

    fn count(&mut self, span: Span) -> Result<(), Stop> {
        self.nodes += 1;
        if self.nodes <= self.bounds.nodes {
            return Ok(());
        }
        let message = format!("the file has too many values, limit {}", self.bounds.nodes);
        Err(Stop {
            exhausted: true,
            ..Problem::error(span, message).hint(SPLIT).into()
        })
    }

    fn too_deep(&self, span: Span) -> Stop {
        let message = format!("nested too deeply, limit {} levels", self.bounds.depth);
        Problem::error(span, message).into()
    }

    fn enter(
        &mut self,
        span: Span,
        depth: usize,
        tag: Option<&Tag>,
        own: &str,
    ) -> Result<(), Stop> {
        self.count(span)?;
        if depth >= self.bounds.depth {
            return Err(self.too_deep(span));
        }
        if let Some(tag) = tag.filter(|tag| tag.core_suffix() != Some(own)) {
            self.refuse_tag(tag, span);
        }
        Ok(())
    }

    fn alias(
        &mut self,
        anchor: usize,
        span: Span,
        depth: usize,
    ) -> Result<(Node<'s>, usize), Stop> {
        let Some(target) = self.anchors.get(&anchor) else {
            let message = "the alias is inside the value that it repeats";
            return Err(Problem::error(span, message).into());
        };
        let (nodes, height) = (target.nodes, target.height);
        let content = Content::Shared(target.content.clone());
        if depth + height > self.bounds.depth {
            return Err(self.too_deep(span));
        }
        self.nodes += nodes;
        self.aliased += nodes;
        if self.aliased > self.bounds.aliased {
            let limit = self.bounds.aliased;
            let message = format!("the aliases expand to too many values, limit {limit}");
            let problem = Problem::error(span, message).hint("write the values out");
            return Err(Stop {
                exhausted: true,
                ..problem.into()
            });
        }
        Ok((Node { span, content }, height))
    }

    fn pair(&self, key: &Node<'s>, value: Node<'s>) -> Option<Pair<'s>> {
        let problem = match key.content() {
            Content::Scalar(scalar) if scalar.plain && scalar.text == "<<" => {
                Problem::error(key.span, "merge keys (`<<`) are not supported")
                    .hint("write the fields out, or alias a whole value")
            }
            Content::Scalar(scalar) => {
                return Some(Pair {
                    key: scalar.text.clone(),
                    key_span: key.span,
                    value,
                });
            }
            other => {
                let message = format!("a key must be text, found {}", other.describe());
                Problem::error(key.span, message)
            }
        };
        self.problems.push(problem);
        None
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
        let hint = "remove it: the field decides how its value is read";
        self.problems.push(Problem::error(span, message).hint(hint));
    }

    /// Keeps the first of each key and reports the others.
    fn without_repeats(&self, pairs: Vec<Pair<'s>>) -> Vec<Pair<'s>> {
        let mut kept: Vec<Pair<'s>> = Vec::with_capacity(pairs.len());
        let mut index: HashMap<Cow<'s, str>, usize> = HashMap::new();
        let indexed = pairs.len() > SMALL_MAPPING;
        for pair in pairs {
            let first = match indexed {
                true => index.get(&pair.key).copied(),
                false => kept.iter().position(|other| other.key == pair.key),
            };
            if let Some(first) = first.and_then(|first| kept.get(first)) {
                let message = format!("the key `{}` appears here a second time", shown(&pair.key));
                let problem = Problem::error(pair.key_span, message).hint("keep one of the two");
                let first = first.key_span;
                self.problems
                    .push(problem.related("it stands here first", first));
                continue;
            }
            if indexed {
                index.insert(pair.key.clone(), kept.len());
            }
            kept.push(pair);
        }
        kept
    }
}

/// Text with a syntax error has no fields, so the words of this line and of the lines above decide whether
/// it may hold a credential.
fn mask_doubtful_line(text: &str, at: usize, problems: &Problems) {
    /// Lines above that are checked: a flow mapping rarely spans more.
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
