//! Keeps credentials that were written into a manifest by mistake out of every message and snippet.

use super::problem::Problems;
use super::tree::{Content, Node};

/// The forms of a reference to a credential, whose texts are not secret.
const FORMS: [&str; 3] = ["env", "file", "command"];

/// Masks every text that may be a credential: a snippet about another problem could show it.
pub fn mask_credentials(node: &Node<'_>, problems: &Problems) {
    match node.content() {
        Content::Mapping(pairs) => {
            for pair in pairs {
                if may_hold_secret(&pair.key) {
                    mask_literals(&pair.value, problems);
                } else {
                    mask_credentials(&pair.value, problems);
                }
            }
        }
        Content::Sequence(items) => {
            for item in items {
                mask_credentials(item, problems);
            }
        }
        Content::Null | Content::Scalar(_) | Content::Shared(_) => {}
    }
}

/// Masks all texts below `node` except those of well-formed references.
fn mask_literals(node: &Node<'_>, problems: &Problems) {
    match node.content() {
        Content::Scalar(_) => problems.mask(node.span),
        Content::Sequence(items) => items.iter().for_each(|item| mask_literals(item, problems)),
        Content::Mapping(pairs) => {
            for pair in pairs {
                if !FORMS.contains(&&*pair.key) {
                    mask_literals(&pair.value, problems);
                }
            }
        }
        Content::Null | Content::Shared(_) => {}
    }
}

/// Whether a field with this name, or a line with a syntax error, may hold a credential.
pub(super) fn may_hold_secret(name: &str) -> bool {
    /// Parts of common names of credentials, in lower case.
    const PARTS: [&str; 5] = ["key", "secret", "password", "token", "credential"];
    let name = name.to_ascii_lowercase();
    PARTS.iter().any(|part| name.contains(part))
}
