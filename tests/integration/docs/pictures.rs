//! The README's pictures, drawn from what the program prints: a plan on a terminal, and the same plan
//! as a pull request shows it. `UPDATE=1 cargo test` draws them anew.

use std::fmt::Write as _;
use std::fs;

use comrak::nodes::{AstNode, NodeValue};
use comrak::{Arena, Options, parse_document};

use super::{CAMPAIGN, example, printed_in, repository};
use crate::git::fixture::{Files, Repo, files};

const WIDTH: usize = 880;
const MARGIN: usize = 16;
/// Advance of the fixed-width font at 12 px in tenths of a pixel: 0.6 em in all that are usual.
const COLUMN: usize = 72;
const LINE: usize = 20;

/// GitHub's colours, light and dark, by class.
const COLOURS: [(&str, &str, &str, &str); 16] = [
    ("page", "fill", "#ffffff", "#0d1117"),
    ("bar", "fill", "#f6f8fa", "#151b23"),
    ("box", "stroke", "#d1d9e0", "#3d444d"),
    ("fg", "fill", "#1f2328", "#f0f6fc"),
    ("dim", "fill", "#59636e", "#9198a1"),
    ("bold", "fill", "#1f2328", "#f0f6fc"),
    ("green", "fill", "#116329", "#7ee787"),
    ("yellow", "fill", "#953800", "#ffa657"),
    ("red", "fill", "#82071e", "#ffa198"),
    ("hunk", "fill", "#8250df", "#d2a8ff"),
    ("on-green", "fill", "#dafbe1", "#033a16"),
    ("on-yellow", "fill", "#fff1e5", "#3d2003"),
    ("on-red", "fill", "#ffebe9", "#67060c"),
    ("dot1", "fill", "#ff5f57", "#ff5f57"),
    ("dot2", "fill", "#febc2e", "#febc2e"),
    ("dot3", "fill", "#28c840", "#28c840"),
];

/// What the classes look like.
fn rules(is_dark: bool) -> String {
    let rule = |(class, what, light, dark): &(&str, &str, &str, &str)| {
        let colour = if is_dark { dark } else { light };
        format!(".{class}{{{what}:{colour}}}")
    };
    COLOURS.iter().map(rule).collect()
}

/// A drawing that grows downwards.
#[derive(Default)]
struct Drawing {
    body: String,
    y: usize,
}

/// A piece of a line, with its classes.
type Piece = (String, &'static str);

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

impl Drawing {
    fn rect(&mut self, class: &str, [x, y, width, height]: [usize; 4], radius: usize) {
        writeln!(
            self.body,
            r#"<rect class="{class}" x="{x}" y="{y}" width="{width}" height="{height}" rx="{radius}"/>"#
        )
        .unwrap();
    }

    /// A line of text whose pieces follow each other.
    fn text(&mut self, x: usize, class: &str, pieces: &[Piece]) {
        let spans = pieces.iter().map(|(text, class)| {
            let text = escaped(text);
            match *class {
                "" => text,
                class => format!(r#"<tspan class="{class}">{text}</tspan>"#),
            }
        });
        let y = self.y;
        let spans: String = spans.collect();
        writeln!(
            self.body,
            r#"<text class="{class}" x="{x}" y="{y}">{spans}</text>"#
        )
        .unwrap();
    }

    /// The file, with a frame around what was drawn.
    fn finish(self, about: &str, bar: usize) -> String {
        let height = self.y + MARGIN;
        let (light, dark) = (rules(false), rules(true));
        let mut frame = Drawing::default();
        let inner = [WIDTH - 1, height - 1];
        frame.rect("page", [0, 0, inner[0], inner[1]], 8);
        frame.rect("bar", [0, 0, inner[0], bar], 8);
        frame.rect("box", [0, 0, inner[0], inner[1]], 8);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" xml:space=\"preserve\" viewBox=\"-0.5 -0.5 {WIDTH} {height}\" \
             width=\"{WIDTH}\" height=\"{height}\" role=\"img\" aria-label=\"{about}\">\n\
             <style>text{{white-space:pre;font:14px -apple-system,'Segoe UI','Noto Sans',Helvetica,Arial,sans-serif}}\
             .mono{{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace}}\
             .title{{font-size:18px}}.title .mono{{font-size:15px}}.title,.bold{{font-weight:600}}.box{{fill:none}}{light}\
             @media(prefers-color-scheme:dark){{{dark}}}</style>\n{}{}</svg>\n",
            frame.body, self.body
        )
    }
}

/// `examples/minimal` in a repository, where its campaign was changed since the state was recorded.
fn project() -> Repo {
    let paths = [
        "purgit.yaml",
        CAMPAIGN,
        ".purgit/state.json",
        "purgit.status.yaml",
    ];
    let texts = paths.map(|path| (path, example(path)));
    let now: Files = files(&texts.each_ref().map(|(path, text)| (*path, text.as_str())));
    let campaign = example(CAMPAIGN);
    let before = campaign
        .replace("2026-11-20", "2026-11-13")
        .replace("    - https://www.example.com/spring/prices.json\n", "");
    assert_ne!(before, campaign);
    let mut then = now.clone();
    then.extend(files(&[(CAMPAIGN, before.as_str())]));
    let repo = Repo::new();
    repo.commit(&then);
    repo.commit(&now);
    repo.check_out();
    repo
}

/// What a terminal shows.
fn terminal() -> String {
    let (printed, problems) = printed_in(project().path(), &["plan", "-q", "--color", "always"]);
    assert_eq!(problems, "");
    let mut drawing = Drawing::default();
    for (at, class) in ["dot1", "dot2", "dot3"].into_iter().enumerate() {
        drawing.rect(class, [MARGIN + at * 18, 12, 12, 12], 6);
    }
    drawing.y = 60;
    drawing.text(
        MARGIN,
        "mono fg",
        &[("$ ".into(), "dim"), ("purgit plan".into(), "bold")],
    );
    let mut style = "";
    for line in printed.lines() {
        drawing.y += LINE;
        let mut pieces: Vec<Piece> = Vec::new();
        let mut parts = line.split("\u{1b}[");
        pieces.push((parts.next().unwrap().to_owned(), style));
        for part in parts {
            let (code, text) = part.split_once('m').unwrap();
            style = match code {
                "0" => "",
                "1" => "bold",
                "2" => "dim",
                "31" => "red",
                "32" => "green",
                "33" => "yellow",
                other => panic!("a style without a class: {other}"),
            };
            pieces.push((text.to_owned(), style));
        }
        drawing.text(MARGIN, "mono fg", &pieces);
    }
    drawing.finish("A plan on a terminal", 36)
}

/// What stands in a line of prose.
fn pieces<'a>(node: &'a AstNode<'a>, class: &'static str, out: &mut Vec<Piece>) {
    for child in node.children() {
        match &child.data().value {
            NodeValue::Text(text) => out.push((text.to_string(), class)),
            NodeValue::Code(code) => out.push((code.literal.clone(), "mono")),
            NodeValue::SoftBreak => out.push((" ".to_owned(), class)),
            NodeValue::Strong | NodeValue::Emph => pieces(child, "bold", out),
            other => panic!("not drawn: {other:?}"),
        }
    }
}

fn columns(pieces: &[Piece]) -> usize {
    pieces.iter().map(|(text, _)| text.chars().count()).sum()
}

/// A block of code.
fn code(drawing: &mut Drawing, language: &str, text: &str) {
    let lines: Vec<_> = text.lines().collect();
    let width = WIDTH - 4 * MARGIN;
    drawing.rect(
        "bar",
        [2 * MARGIN, drawing.y, width, lines.len() * LINE + 16],
        6,
    );
    drawing.y += 2;
    for line in lines {
        let class = match (language, line.chars().next()) {
            ("diff", Some('+')) => "green",
            ("diff", Some('!')) => "yellow",
            ("diff", Some('-')) => "red",
            ("diff", Some('@')) => "hunk",
            _ => "fg",
        };
        if ["green", "yellow", "red"].contains(&class) {
            let long = line.chars().count() * COLUMN / 10 + 8;
            let on = format!("on-{class}");
            drawing.rect(&on, [3 * MARGIN - 4, drawing.y + 6, long, LINE], 0);
        }
        drawing.y += LINE;
        drawing.text(
            3 * MARGIN,
            &format!("mono {class}"),
            &[(line.to_owned(), "")],
        );
    }
    drawing.y += 14 + LINE;
}

/// A table, its columns as wide as what is in them.
fn table<'a>(drawing: &mut Drawing, node: &'a AstNode<'a>) {
    let rows: Vec<Vec<Vec<Piece>>> = node
        .children()
        .map(|row| {
            let cells = row.children().map(|cell| {
                let mut out = Vec::new();
                pieces(cell, "", &mut out);
                out
            });
            cells.collect()
        })
        .collect();
    let widths: Vec<_> = (0..rows[0].len())
        .map(|at| rows.iter().map(|row| columns(&row[at])).max().unwrap() * 7 + 26)
        .collect();
    let top = drawing.y;
    for (at, row) in rows.iter().enumerate() {
        drawing.y = top + at * 32 + 21;
        let mut x = 2 * MARGIN;
        for (cell, width) in row.iter().zip(&widths) {
            drawing.rect("box", [x, top + at * 32, *width, 32], 0);
            let class = if at == 0 { "fg bold" } else { "fg" };
            drawing.text(x + 12, class, cell);
            x += width;
        }
    }
    drawing.y = top + rows.len() * 32 + LINE;
}

/// What a pull request shows.
fn comment() -> String {
    let (markdown, problems) = printed_in(project().path(), &["plan", "--format", "markdown"]);
    assert_eq!(problems, "");
    let mut options = Options::default();
    options.extension.table = true;
    let arena = Arena::new();
    let root = parse_document(&arena, &markdown, &options);
    let mut drawing = Drawing {
        y: 26,
        ..Drawing::default()
    };
    let who = [
        ("github-actions".to_owned(), "bold"),
        (" commented on this pull request".to_owned(), "dim"),
    ];
    drawing.text(MARGIN, "fg", &who);
    drawing.y = 60;
    let mut folded = false;
    for node in root.children() {
        let data = node.data();
        let value = &data.value;
        if let NodeValue::HtmlBlock(html) = value {
            let words = html.literal.split("<summary>").nth(1);
            if let Some(words) = words.map(|rest| rest.split('<').next().unwrap()) {
                folded = !html.literal.contains(" open");
                let mark = if folded { "▸ " } else { "▾ " };
                drawing.y += 14;
                drawing.text(2 * MARGIN, "fg", &[(format!("{mark}{words}"), "")]);
                drawing.y += LINE;
            } else {
                folded = false;
            }
            continue;
        }
        if folded {
            continue;
        }
        match value {
            NodeValue::Heading(_) | NodeValue::Paragraph => {
                let mut line = Vec::new();
                pieces(node, "", &mut line);
                assert!(
                    columns(&line) < 120,
                    "a line that would need wrapping: {line:?}"
                );
                let is_title = matches!(value, NodeValue::Heading(_));
                drawing.y += if is_title { 10 } else { 14 };
                drawing.text(2 * MARGIN, if is_title { "fg title" } else { "fg" }, &line);
                drawing.y += LINE;
            }
            NodeValue::Table(_) => table(&mut drawing, node),
            NodeValue::CodeBlock(block) => code(&mut drawing, &block.info, &block.literal),
            other => panic!("not drawn: {other:?}"),
        }
    }
    drawing.y -= LINE;
    drawing.finish("A plan as a comment on a pull request", 40)
}

#[test]
fn pictures_are_up_to_date() {
    for (name, drawn) in [("terminal", terminal()), ("comment", comment())] {
        let path = repository().join(format!("docs/pictures/{name}.svg"));
        if std::env::var_os("UPDATE").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &drawn).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == drawn,
            "run `UPDATE=1 cargo test` to draw docs/pictures/{name}.svg anew"
        );
        let readme = super::read("README.md");
        assert!(
            readme.contains(&format!("](docs/pictures/{name}.svg)")),
            "{name}"
        );
    }
}
