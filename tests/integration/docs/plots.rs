//! Plots of the docs, drawn from the figures in `docs/data`. `UPDATE=1 cargo test` draws them anew.

use std::fmt::Write as _;

/// Width of a picture, as of the others.
const WIDTH: f64 = 880.0;
/// From the top of a row to that of its frames, how high these are, and what is below them.
const ABOVE: f64 = 30.0;
const FRAME: f64 = 200.0;
const BELOW: f64 = 60.0;
/// Above all rows, and below them.
const HEAD: f64 = 32.0;
const FOOT: f64 = 40.0;
const PANELS_A_ROW: usize = 2;
/// Left of a panel, for its figures, and what is left between two.
const LEFT: f64 = 64.0;
const GAP: f64 = 44.0;

/// Colour of a line, light and dark, and its dashes: colour never carries meaning alone.
const LINES: [(&str, &str, &str); 5] = [
    ("#0969da", "#58a6ff", "none"),
    ("#1a7f37", "#3fb950", "9 4"),
    ("#bc4c00", "#f0883e", "2 4"),
    ("#8250df", "#bc8cff", "10 3 2 3"),
    ("#9a6700", "#d29922", "4 2"),
];

pub(super) fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

/// How far an axis goes, and what is written at it.
#[derive(Debug, Clone)]
pub(super) struct Axis {
    pub(super) label: &'static str,
    pub(super) marks: Vec<(f64, String)>,
    pub(super) is_logarithmic: bool,
}

impl Axis {
    /// Where a value is, from 0 to 1.
    fn part(&self, value: f64) -> f64 {
        let scaled = |value: f64| match self.is_logarithmic {
            true => value.ln(),
            false => value,
        };
        let (low, high) = (self.marks[0].0, self.marks[self.marks.len() - 1].0);
        let value = value.clamp(low, high);
        (scaled(value) - scaled(low)) / (scaled(high) - scaled(low))
    }
}

/// Lines in one frame: of each name, its points, in steps.
#[derive(Debug)]
pub(super) struct Panel {
    pub(super) title: String,
    pub(super) lines: Vec<Vec<(f64, f64)>>,
}

/// A picture of panels, two side by side, that share axes and names.
#[derive(Debug)]
pub(super) struct Plot {
    pub(super) about: &'static str,
    pub(super) across: Axis,
    pub(super) up: Axis,
    pub(super) names: Vec<String>,
    pub(super) panels: Vec<Panel>,
}

fn style() -> String {
    let rules = |is_dark: bool| -> String {
        let pick = |light: &'static str, dark: &'static str| if is_dark { dark } else { light };
        let lines = LINES.iter().enumerate();
        let lines =
            lines.map(|(at, (light, dark, _))| format!(".l{at}{{stroke:{}}}", pick(light, dark)));
        format!(
            ".page{{fill:{};stroke:{}}}.grid{{stroke:{}}}.fg{{fill:{}}}.dim{{fill:{}}}{}",
            pick("#ffffff", "#0d1117"),
            pick("#d1d9e0", "#3d444d"),
            pick("#d1d9e0", "#3d444d"),
            pick("#1f2328", "#f0f6fc"),
            pick("#59636e", "#9198a1"),
            lines.collect::<String>()
        )
    };
    let dashes = LINES.iter().enumerate();
    let dashes = dashes.map(|(at, (_, _, dash))| format!(".l{at}{{stroke-dasharray:{dash}}}"));
    format!(
        "<style>text{{font:13px -apple-system,'Segoe UI','Noto Sans',Helvetica,Arial,sans-serif}}\
         .bold{{font-weight:600}}.line{{fill:none;stroke-width:2.5}}.grid{{stroke-width:1}}{}{}\
         @media(prefers-color-scheme:dark){{{}}}</style>",
        dashes.collect::<String>(),
        rules(false),
        rules(true)
    )
}

impl Plot {
    pub(super) fn drawn(&self) -> String {
        let rows = float(self.panels.len().div_ceil(PANELS_A_ROW));
        let height = HEAD + rows * (ABOVE + FRAME + BELOW) + FOOT;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
             role=\"img\" aria-label=\"{}\">\n{}\n<rect class=\"page\" x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"8\"/>\n",
            self.about,
            style(),
            WIDTH - 1.0,
            height - 1.0
        );
        let text = |svg: &mut String, x: f64, y: f64, anchor: &str, class: &str, words: &str| {
            writeln!(svg, r#"<text class="{class}" x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{words}</text>"#).unwrap();
        };
        text(&mut svg, 16.0, 26.0, "start", "dim", self.up.label);
        let wide = (WIDTH - LEFT + GAP / 2.0) / float(PANELS_A_ROW) - GAP;
        for (number, panel) in self.panels.iter().enumerate() {
            let left = LEFT + float(number % PANELS_A_ROW) * (wide + GAP);
            let top = HEAD + ABOVE + float(number / PANELS_A_ROW) * (ABOVE + FRAME + BELOW);
            let bottom = top + FRAME;
            let place = |(x, y): (f64, f64)| {
                (
                    left + self.across.part(x) * wide,
                    bottom - self.up.part(y) * FRAME,
                )
            };
            text(
                &mut svg,
                left + wide / 2.0,
                top - 14.0,
                "middle",
                "fg bold",
                &panel.title,
            );
            for (value, words) in &self.up.marks {
                let (_, y) = place((self.across.marks[0].0, *value));
                writeln!(
                    svg,
                    r#"<path class="grid" d="M{left:.1} {y:.1}h{wide:.1}"/>"#
                )
                .unwrap();
                if number % PANELS_A_ROW == 0 {
                    text(&mut svg, left - 8.0, y + 4.0, "end", "dim", words);
                }
            }
            for (value, words) in &self.across.marks {
                let (x, _) = place((*value, self.up.marks[0].0));
                writeln!(svg, r#"<path class="grid" d="M{x:.1} {bottom:.1}v5"/>"#).unwrap();
                text(&mut svg, x, bottom + 20.0, "middle", "dim", words);
            }
            text(
                &mut svg,
                left + wide / 2.0,
                bottom + 40.0,
                "middle",
                "dim",
                self.across.label,
            );
            // The first is drawn last, so that it is seen where lines meet.
            for (at, line) in panel.lines.iter().enumerate().rev() {
                let mut path = String::new();
                for (point, next) in line.iter().enumerate() {
                    let (x, y) = place(*next);
                    match point {
                        0 => write!(path, "M{x:.1} {y:.1}").unwrap(),
                        _ => write!(path, "H{x:.1}V{y:.1}").unwrap(),
                    }
                }
                writeln!(svg, r#"<path class="line l{at}" d="{path}"/>"#).unwrap();
            }
        }
        let mut x = LEFT;
        for (at, name) in self.names.iter().enumerate() {
            let y = height - 18.0;
            writeln!(
                svg,
                r#"<path class="line l{at}" d="M{x:.1} {:.1}h32"/>"#,
                y - 4.0
            )
            .unwrap();
            text(&mut svg, x + 40.0, y, "start", "fg", name);
            x += 72.0 + float(name.chars().count()) * 7.0;
        }
        svg + "</svg>\n"
    }
}
