//! The directories with changes below them, each with the changes and the collateral of purging it.

use super::{Chosen, Served};

/// In post-order; the root is last.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    nodes: Vec<Node<'a>>,
}

#[derive(Debug, Default)]
pub(super) struct Node<'a> {
    /// URL ending in `/`; `None` if it must not be purged: unknown, the root of a host, or the tree's root.
    pub(super) directory: Option<&'a str>,
    pub(super) own: u64,
    pub(super) children: Vec<u32>,
    pub(super) covers: u64,
    /// The weight of unchanged URLs below it.
    pub(super) collateral: u64,
}

impl<'a> Tree<'a> {
    /// `served` is sorted by URL.
    pub(super) fn new(served: &[Served<'a>], known: &dyn Fn(&str) -> bool) -> Self {
        let mut tree = Self { nodes: Vec::new() };
        // From the root down to the directory that is being read.
        let mut open: Vec<(&str, Node<'a>)> = vec![("", Node::default())];
        for served in served {
            while open.len() > 1
                && open
                    .last()
                    .is_some_and(|(at, _)| !served.url.starts_with(at))
            {
                tree.close(&mut open);
            }
            let path = served
                .url
                .find('?')
                .map_or(served.url, |query| &served.url[..query]);
            let read = open.last().map_or(0, |(at, _)| at.len());
            let host = path.find("://").map_or(0, |scheme| scheme + "://".len());
            for (slash, _) in path
                .match_indices('/')
                .filter(|(at, _)| *at >= read.max(host))
            {
                let at = &path[..=slash];
                let is_root = at.len() == 1 + host + path[host..].find('/').unwrap_or_default();
                let directory = (!is_root && known(at)).then_some(at);
                open.push((
                    at,
                    Node {
                        directory,
                        ..Node::default()
                    },
                ));
            }
            if let Some((_, node)) = open.last_mut() {
                match served.is_changed {
                    true => {
                        node.own += 1;
                        node.covers += 1;
                    }
                    false => node.collateral = node.collateral.saturating_add(served.weight),
                }
            }
        }
        while !open.is_empty() {
            tree.close(&mut open);
        }
        tree
    }

    /// Finishes the innermost directory and adds its figures to its parent.
    fn close(&mut self, open: &mut Vec<(&str, Node<'a>)>) {
        let Some((_, mut node)) = open.pop() else {
            return;
        };
        let (covers, collateral) = (node.covers, node.collateral);
        let mut index = None;
        // An only child without changes beside it covers the same for less.
        if let ([only], 0) = (&*node.children, node.own)
            && !open.is_empty()
        {
            index = Some(*only);
        } else if covers > 0 || open.is_empty() {
            node.children.shrink_to_fit();
            self.nodes.push(node);
            index = u32::try_from(self.nodes.len() - 1).ok();
        }
        if let Some((_, around)) = open.last_mut() {
            around.covers += covers;
            around.collateral = around.collateral.saturating_add(collateral);
            around.children.extend(index);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn nodes(&self) -> &[Node<'a>] {
        &self.nodes
    }

    pub(super) fn node(&self, index: u32) -> &Node<'a> {
        &self.nodes[index as usize]
    }

    pub(super) fn below(&self, index: usize) -> impl Iterator<Item = usize> {
        let children = self.nodes[index].children.iter();
        children.map(|child| *child as usize)
    }

    pub(super) fn root(&self) -> &Node<'a> {
        &self.nodes[self.nodes.len() - 1]
    }

    pub(super) fn chosen(&self, index: u32) -> Chosen {
        let node = self.node(index);
        Chosen {
            directory: node.directory.unwrap_or_default().to_owned(),
            covers: node.covers,
            collateral: node.collateral,
        }
    }

    /// The uppermost directories that may be purged, most changes first: no others cover more.
    pub(super) fn tops(&self) -> Vec<u32> {
        let mut tops = Vec::new();
        let mut within: Vec<_> = u32::try_from(self.nodes.len() - 1).into_iter().collect();
        while let Some(index) = within.pop() {
            let node = self.node(index);
            match node.directory {
                Some(_) => tops.push(index),
                None => within.extend(&node.children),
            }
        }
        let key = |index: &u32| {
            let node = self.node(*index);
            (
                std::cmp::Reverse(node.covers),
                node.collateral,
                node.directory,
            )
        };
        tops.sort_by(|a, b| key(a).cmp(&key(b)));
        tops
    }
}
