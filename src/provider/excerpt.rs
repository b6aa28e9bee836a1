//! Makes foreign text fit for a message: short, on one line, without control characters, markup or
//! signatures.

/// Longest excerpt, in characters: a sentence or two; the rest of an error page explains nothing.
const MAX_CHARS: usize = 200;

/// Bytes of a page that are searched: the title comes first, and stripping markup must stay cheap.
const MAX_PAGE_BYTES: usize = 16 * 1024;

/// This many hexadecimal digits in a row count as a signature (HMAC-SHA256 has 64, a GUID at most
/// 32 without hyphens). Error pages often repeat request headers.
const SIGNATURE_DIGITS: usize = 40;

/// The text on one line, at most 200 characters.
pub fn excerpt(text: &str) -> String {
    let words = text
        .split(|c: char| c.is_whitespace() || c.is_control() || is_format(c))
        .filter(|word| !word.is_empty());
    // More words than characters cannot be shown.
    let words: Vec<_> = words.take(MAX_CHARS).map(without_signatures).collect();
    let line = words.join(" ");
    if line.chars().nth(MAX_CHARS).is_none() {
        return line;
    }
    let start: String = line.chars().take(MAX_CHARS - 1).collect();
    format!("{}…", start.trim_end())
}

/// The title of an HTML page, or else its text; other text as in [`excerpt`].
pub fn html_excerpt(text: &str) -> String {
    let mut end = text.len().min(MAX_PAGE_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = &text[..end];
    if !text
        .trim_start_matches('\u{feff}')
        .trim_start()
        .starts_with('<')
    {
        return excerpt(text);
    }
    // Lower-casing ASCII keeps byte offsets.
    let lower = text.to_ascii_lowercase();
    let title = lower.find("<title").and_then(|open| {
        let start = open + lower[open..].find('>')? + 1;
        let end = start + lower[start..].find("</title")?;
        Some(excerpt(&text[start..end]))
    });
    match title {
        Some(title) if !title.is_empty() => title,
        Some(_) | None => excerpt(&without_tags(text)),
    }
}

/// Characters that reorder or hide text but are not control characters.
fn is_format(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn without_tags(text: &str) -> String {
    let mut inside = false;
    text.chars()
        .filter_map(|c| match c {
            '<' => {
                inside = true;
                Some(' ')
            }
            '>' if inside => {
                inside = false;
                None
            }
            _ => (!inside).then_some(c),
        })
        .collect()
}

fn without_signatures(word: &str) -> String {
    let chars: Vec<char> = word.chars().collect();
    let runs = chars.chunk_by(|one, next| one.is_ascii_hexdigit() == next.is_ascii_hexdigit());
    runs.map(
        |run| match run[0].is_ascii_hexdigit() && run.len() >= SIGNATURE_DIGITS {
            true => "[signature]".to_owned(),
            false => run.iter().collect(),
        },
    )
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_without_control_characters() {
        assert_eq!(excerpt(" a\r\n\tb\u{1b}[31mc\u{202e} \0"), "a b [31mc");
        assert_eq!(excerpt("错误 信息"), "错误 信息");
        assert_eq!(excerpt(""), "");
    }

    #[test]
    fn a_long_text_is_cut() {
        let long = excerpt(&"word ".repeat(1000));
        assert_eq!(long.chars().count(), MAX_CHARS);
        assert!(long.ends_with('…'));
        let word = excerpt(&"ü".repeat(1000));
        assert_eq!(word.chars().count(), MAX_CHARS);
    }

    #[test]
    fn a_page_is_known_by_its_title_or_its_text() {
        let page = "\u{feff}<!doctype html>\n<HTML><Title>502 Bad\nGateway</TITLE><body>x";
        assert_eq!(html_excerpt(page), "502 Bad Gateway");
        assert_eq!(html_excerpt("<html><p>Sign <b>in</b></p>"), "Sign in");
        assert_eq!(html_excerpt("<title>é"), "é");
        assert_eq!(html_excerpt("<"), "");
        assert_eq!(html_excerpt("a < b"), "a < b");
    }

    #[test]
    fn signatures_are_not_repeated() {
        let echo = format!("AzureCDN key:{}.", "0F".repeat(32));
        assert_eq!(excerpt(&echo), "AzureCDN key:[signature].");
        let guid = "00000000-0000-0000-0000-000000000001";
        assert_eq!(excerpt(guid), guid);
    }
}
