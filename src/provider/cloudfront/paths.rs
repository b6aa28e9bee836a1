//! A target as one path, wildcard or tag of an invalidation. A path has no host: it is purged on all aliases
//! of the distribution `[D]`.

use crate::entry::Target;
use crate::operation::Item;
use crate::provider::Unsupported;

/// `[D]`
const MAX_PATH_CHARS: usize = 4000;

/// `[D]`
const MAX_TAG_CHARS: usize = 256;

/// Also for the root directory.
const ALL: &str = "/*";

const LIST_DIRECTORY: &str = "list a parent directory under `directories`";

/// Paths and wildcards have separate limits, so a request has only one sort.
pub(super) fn lower(target: &Target, is_china: bool) -> Result<Item, Unsupported> {
    let (group, key) = match target {
        Target::File(url) => ("paths", path(url.path_and_query())?),
        Target::Directory(url) => ("wildcards", format!("{}*", path(url.path())?)),
        Target::Everything => ("wildcards", ALL.to_owned()),
        Target::Tag(_) if is_china => {
            return Err(Unsupported::new(
                "CloudFront has no cache tags in the China regions",
                "list URLs under `files` or `directories`",
            ));
        }
        Target::Tag(tag) if tag.as_str().len() > MAX_TAG_CHARS || tag.as_str().contains('*') => {
            let message = format!(
                "CloudFront accepts tags of at most {MAX_TAG_CHARS} characters, without `*`"
            );
            let hint = "mark the content with a shorter tag";
            return Err(Unsupported::new(message, hint));
        }
        // Tags are case-insensitive [D].
        Target::Tag(tag) => ("paths", format!("#{}", tag.as_str().to_ascii_lowercase())),
        Target::Host(_) => {
            return Err(Unsupported::new(
                "CloudFront purges paths on all hosts of the distribution",
                "write `everything: true`, or list URLs under `files` or `directories`",
            ));
        }
    };
    let length = key.chars().count();
    if length > MAX_PATH_CHARS {
        let message = format!(
            "CloudFront accepts paths of at most {MAX_PATH_CHARS} characters, not {length}"
        );
        return Err(Unsupported::new(message, LIST_DIRECTORY));
    }
    Ok(Item {
        group: group.into(),
        key: key.into(),
        target: target.clone(),
    })
}

/// A path with its query as CloudFront expects it: only non-ASCII characters and those unsafe by RFC 1738 are
/// escaped in the path. Otherwise the purge is accepted and does nothing `[D]`.
fn path(text: &str) -> Result<String, Unsupported> {
    if text.contains('*') || text.contains("%2A") {
        return Err(Unsupported::new(
            "CloudFront treats `*` in a path as a wildcard, and only allows it at the end",
            "list the directory under `directories`",
        ));
    }
    // An escaped `~` is accepted but matches nothing [O].
    if text.contains('~') {
        let message = "CloudFront refuses `~` in a path";
        return Err(Unsupported::new(message, LIST_DIRECTORY));
    }
    let (path, query) = text.split_at(text.find('?').unwrap_or(text.len()));
    let mut plain = path.to_owned();
    for (escape, character) in NEEDLESS {
        plain = plain.replace(escape, character);
    }
    for escape in ["%2F", "%3F"] {
        if path.contains(escape) {
            let message =
                format!("CloudFront accepts a path with `{escape}` and purges nothing by it");
            return Err(Unsupported::new(message, LIST_DIRECTORY));
        }
    }
    Ok(plain + query)
}

/// Escapes of characters that are neither unsafe nor separators. A canonical URL keeps them.
const NEEDLESS: [(&str, &str); 12] = [
    ("%21", "!"),
    ("%24", "$"),
    ("%26", "&"),
    ("%27", "'"),
    ("%28", "("),
    ("%29", ")"),
    ("%2B", "+"),
    ("%2C", ","),
    ("%3A", ":"),
    ("%3B", ";"),
    ("%3D", "="),
    ("%40", "@"),
];
