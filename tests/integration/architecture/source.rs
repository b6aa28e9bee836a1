//! A source file as tokens, so that comments, texts and unit tests are told from code by parsing.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// A source file below `src`.
pub(super) struct Source {
    /// Below `src`, with `/`.
    pub(super) path: String,
    pub(super) text: String,
    tokens: Vec<TokenTree>,
}

/// A path that starts at `crate`, `super` or `self`, with the line it stands in.
pub(super) struct Named {
    pub(super) line: usize,
    pub(super) segments: Vec<String>,
}

pub(super) fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let relative = path.strip_prefix(&root).unwrap().to_string_lossy();
                let text = fs::read_to_string(&path).unwrap();
                let tokens: TokenStream = text.parse().unwrap();
                sources.push(Source {
                    path: relative.replace('\\', "/"),
                    tokens: without_tests(tokens),
                    text,
                });
            }
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(sources.len() > 50, "the walk goes wrong");
    sources
}

/// Without items that are compiled for tests only.
fn without_tests(tokens: TokenStream) -> Vec<TokenTree> {
    let mut kept = Vec::new();
    let mut skipping = false;
    for token in tokens {
        if let TokenTree::Group(group) = &token {
            let is_attribute = ends_with_hash(&kept) && group.delimiter() == Delimiter::Bracket;
            if is_attribute && group.stream().to_string().replace(' ', "") == "cfg(test)" {
                kept.pop();
                skipping = true;
                continue;
            }
        }
        let ends_item = match &token {
            TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
            TokenTree::Punct(punct) => punct.as_char() == ';',
            TokenTree::Ident(_) | TokenTree::Literal(_) => false,
        };
        match skipping {
            true => skipping = !ends_item,
            false => kept.push(token),
        }
    }
    kept
}

fn ends_with_hash(tokens: &[TokenTree]) -> bool {
    matches!(tokens.last(), Some(TokenTree::Punct(punct)) if punct.as_char() == '#')
}

impl Source {
    /// The module path: `["provider", "answer"]` for `provider/answer.rs`.
    pub(super) fn module(&self) -> Vec<String> {
        let path = self.path.trim_end_matches(".rs");
        let path = path.strip_suffix("/mod").unwrap_or(path);
        match path {
            "lib" | "main" => Vec::new(),
            path => path.split('/').map(str::to_owned).collect(),
        }
    }

    /// The code of each line, without spaces, comments and the content of texts.
    fn code(&self) -> BTreeMap<usize, String> {
        let mut lines = BTreeMap::new();
        print(&self.tokens, &mut lines);
        lines
    }

    /// Where the code names any of these; spaces do not matter.
    pub(super) fn naming(&self, words: &[&str]) -> Vec<String> {
        let words: Vec<_> = words.iter().map(|word| word.replace(' ', "")).collect();
        let code = self.code();
        let found = code.iter().filter_map(|(number, line)| {
            let word = words.iter().find(|word| line.contains(*word))?;
            Some(format!("src/{}:{number} names `{word}`", self.path))
        });
        found.collect()
    }

    pub(super) fn is_io(&self) -> bool {
        let head = self.text.lines().take_while(|line| line.starts_with("//!"));
        head.into_iter().any(|line| line.contains("[io]"))
    }

    /// Every path of the crate that the code names, or brings in.
    pub(super) fn named(&self) -> Vec<Named> {
        let mut named = Vec::new();
        paths(&self.tokens, &mut named);
        for (index, token) in self.tokens.iter().enumerate() {
            if let Some(leaves) = brought_at(&self.tokens, index) {
                let line = token.span().start().line;
                let leaves = leaves.into_iter();
                named.extend(leaves.map(|(segments, _)| Named { line, segments }));
            }
        }
        named
    }

    /// What `use` brings into the module, by name: paths relative to the module or from `crate`.
    pub(super) fn brought(&self) -> BTreeMap<String, Vec<String>> {
        let tokens = 0..self.tokens.len();
        let leaves = tokens.filter_map(|index| brought_at(&self.tokens, index));
        let brought = leaves.flatten().map(|(segments, name)| (name, segments));
        brought.collect()
    }
}

/// What a `use` at that place brings in: paths, and the names they get.
fn brought_at(tokens: &[TokenTree], index: usize) -> Option<Vec<(Vec<String>, String)>> {
    let is_use = matches!(&tokens[index], TokenTree::Ident(word) if word == "use");
    let rest = is_use.then(|| &tokens[index + 1..])?;
    let end = rest.iter().position(|token| is_punct(Some(token), ';'));
    let mut leaves = Vec::new();
    leaves_of(&rest[..end.unwrap_or(rest.len())], &[], &mut leaves);
    Some(leaves)
}

fn print(tokens: &[TokenTree], lines: &mut BTreeMap<usize, String>) {
    for token in tokens {
        let start = token.span().start().line;
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                lines.entry(start).or_default().push_str(open);
                print(&inner(group), lines);
                let end = group.span_close().start().line;
                lines.entry(end).or_default().push_str(close);
            }
            TokenTree::Ident(word) => {
                let line = lines.entry(start).or_default();
                if line.ends_with(|c: char| c.is_alphanumeric() || c == '_') {
                    line.push(' ');
                }
                line.push_str(&word.to_string());
            }
            TokenTree::Punct(punct) => lines.entry(start).or_default().push(punct.as_char()),
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                let shown = if text.contains('"') { "\"\"" } else { &text };
                lines.entry(start).or_default().push_str(shown);
            }
        }
    }
}

fn inner(group: &Group) -> Vec<TokenTree> {
    group.stream().into_iter().collect()
}

fn is_punct(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

fn is_path_sep(tokens: &[TokenTree], at: usize) -> bool {
    is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':')
}

/// Paths that start at `crate`, `super` or `self`; lists in braces are taken apart.
fn paths(tokens: &[TokenTree], named: &mut Vec<Named>) {
    for (index, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => paths(&inner(group), named),
            TokenTree::Ident(word)
                if ["crate", "super", "self"].contains(&&*word.to_string())
                    && is_path_sep(tokens, index + 1)
                    && !(index >= 2 && is_path_sep(tokens, index - 2)) =>
            {
                let line = word.span().start().line;
                let mut leaves = Vec::new();
                leaves_of(&tokens[index..], &[], &mut leaves);
                named.extend(
                    leaves
                        .into_iter()
                        .map(|(segments, _)| Named { line, segments }),
                );
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// The leaves of a use tree, or of a path in an expression, with the names they get.
fn leaves_of(tokens: &[TokenTree], front: &[String], leaves: &mut Vec<(Vec<String>, String)>) {
    let mut segments = front.to_vec();
    let mut at = 0;
    loop {
        match tokens.get(at) {
            Some(TokenTree::Ident(word)) => segments.push(word.to_string()),
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                for part in inner(group).split(|token| is_punct(Some(token), ',')) {
                    if !part.is_empty() {
                        leaves_of(part, &segments, leaves);
                    }
                }
                return;
            }
            _ => break,
        }
        at += 1;
        if !is_path_sep(tokens, at) {
            break;
        }
        at += 2;
    }
    let renamed = match (tokens.get(at), tokens.get(at + 1)) {
        (Some(TokenTree::Ident(word)), Some(TokenTree::Ident(name))) if word == "as" => {
            Some(name.to_string())
        }
        _ => None,
    };
    if segments.last().is_some_and(|last| last == "self") {
        segments.pop();
    }
    if let Some(last) = segments.last().cloned() {
        leaves.push((segments, renamed.unwrap_or(last)));
    }
}
