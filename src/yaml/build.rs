//! Builds a tree from the parser's events, within the bounds.

use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

use granit_parser::{Event, ScalarStyle, Tag};

use super::problem::{Problem, Problems, Span};
use super::tree::{Bounds, Content, Node, Pair, Scalar};
use crate::diagnostic::shown;

/// Mappings up to this size are checked for repeated keys pair by pair, which needs no memory.
const SMALL_MAPPING: usize = 12;

/// The remedy for files that are too large.
pub(super) const SPLIT: &str = "spread it over several files";

/// Why a document is given up.
pub(super) struct Stop {
    pub(super) problem: Box<Problem>,
    /// Whether the rest of the file is given up with it.
    pub(super) exhausted: bool,
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
    items: Collection<'s>,
}

enum Collection<'s> {
    Sequence(Vec<Node<'s>>),
    Mapping {
        pairs: Vec<Pair<'s>>,
        key: Option<Node<'s>>,
    },
}

pub(super) struct Builder<'s, 'b> {
    bounds: &'b Bounds,
    /// Nodes of the file so far, aliases unfolded.
    nodes: usize,
    /// Those of them that stem from aliases.
    aliased: usize,
    stack: Vec<Open<'s>>,
    anchors: HashMap<usize, Anchored<'s>>,
    root: Option<Node<'s>>,
    problems: &'b Problems,
}

impl<'s, 'b> Builder<'s, 'b> {
    pub(super) fn new(bounds: &'b Bounds, problems: &'b Problems) -> Self {
        Self {
            bounds,
            nodes: 0,
            aliased: 0,
            stack: Vec::new(),
            anchors: HashMap::new(),
            root: None,
            problems,
        }
    }

    pub(super) fn problems(&self) -> &'b Problems {
        self.problems
    }

    /// Forgets what an abandoned document has left behind.
    pub(super) fn start(&mut self) {
        self.stack.clear();
        self.anchors.clear();
        self.root = None;
    }

    /// The root of the document that ends here.
    pub(super) fn finish(&mut self) -> Option<Node<'s>> {
        self.root.take()
    }

    /// Takes the next event of a document.
    pub(super) fn event(&mut self, event: Event<'s>, span: Span) -> Result<(), Stop> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let before = self.nodes;
                self.count(span)?;
                let content = self.scalar(text, style, tag.as_deref(), span);
                let node = self.anchored(Node { span, content }, anchor, before, 0);
                self.place(node);
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.open(
                    span,
                    anchor,
                    tag.as_deref(),
                    Collection::Sequence(Vec::new()),
                )?;
            }
            Event::MappingStart(_, anchor, tag) => {
                let (pairs, key) = (Vec::new(), None);
                self.open(
                    span,
                    anchor,
                    tag.as_deref(),
                    Collection::Mapping { pairs, key },
                )?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Alias(anchor) => {
                let node = self.alias(anchor, span)?;
                self.place(node);
            }
            // Starts and ends, and presentation that was not asked for. The parser's enum is open.
            _ => {}
        }
        Ok(())
    }

    fn count(&mut self, span: Span) -> Result<(), Stop> {
        self.nodes += 1;
        if self.nodes <= self.bounds.nodes {
            return Ok(());
        }
        let message = format!("the file has too many values, limit {}", self.bounds.nodes);
        Err(Stop {
            problem: Problem::error(span, message).hint(SPLIT).into(),
            exhausted: true,
        })
    }

    pub(super) fn too_deep(&self, span: Span) -> Stop {
        let message = format!("nested too deeply, limit {} levels", self.bounds.depth);
        Stop {
            problem: Problem::error(span, message).into(),
            exhausted: false,
        }
    }

    fn open(
        &mut self,
        span: Span,
        anchor: usize,
        tag: Option<&Tag>,
        items: Collection<'s>,
    ) -> Result<(), Stop> {
        let nodes_before = self.nodes;
        self.count(span)?;
        if self.stack.len() >= self.bounds.depth {
            return Err(self.too_deep(span));
        }
        let own = match &items {
            Collection::Sequence(_) => "seq",
            Collection::Mapping { .. } => "map",
        };
        if let Some(tag) = tag.filter(|tag| tag.core_suffix() != Some(own)) {
            self.refuse_tag(tag, span);
        }
        self.stack.push(Open {
            span,
            anchor,
            nodes_before,
            height: 0,
            items,
        });
        Ok(())
    }

    fn close(&mut self, end: Span) {
        let Some(open) = self.stack.pop() else { return };
        let content = match open.items {
            Collection::Sequence(items) => Content::Sequence(items),
            Collection::Mapping { pairs, .. } => Content::Mapping(self.without_repeats(pairs)),
        };
        let span = Span {
            start: open.span.start,
            end: end.end.max(open.span.end),
        };
        let node = Node { span, content };
        let node = self.anchored(node, open.anchor, open.nodes_before, open.height + 1);
        self.place(node);
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<Node<'s>, Stop> {
        let stop = |problem: Problem| Stop {
            problem: problem.into(),
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
    fn place(&mut self, node: Node<'s>) {
        match self.stack.last_mut().map(|open| &mut open.items) {
            None => self.root = Some(node),
            Some(Collection::Sequence(items)) => items.push(node),
            Some(Collection::Mapping { key, pairs }) => match key.take() {
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
}
