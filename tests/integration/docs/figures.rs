//! Tables and plots of what was measured, from the figures in `docs/data`.

use std::collections::BTreeMap;
use std::fs;

use super::plots::{Axis, Panel, Plot, float};
use super::{read, repository};

type Row = BTreeMap<String, String>;

/// Rows of a file of figures, by the names of its columns.
fn rows(name: &str) -> Vec<Row> {
    let text = read(&format!("docs/data/{name}.csv"));
    let mut lines = text.lines();
    let columns: Vec<_> = lines.next().unwrap().split(',').collect();
    let row = |line: &str| {
        let cells: Vec<_> = line.split(',').map(str::to_owned).collect();
        assert_eq!(cells.len(), columns.len(), "{name}: {line}");
        columns
            .iter()
            .map(|name| (*name).to_owned())
            .zip(cells)
            .collect()
    };
    lines.map(row).collect()
}

/// With a comma between thousands.
fn number(count: &impl ToString) -> String {
    let digits: Vec<_> = count.to_string().chars().collect();
    let groups = digits.rchunks(3).rev();
    groups
        .map(|group| group.iter().collect::<String>())
        .collect::<Vec<_>>()
        .join(",")
}

const METHODS: [(&str, &str); 4] = [
    ("cover", "purgit"),
    ("greedy", "greedy"),
    ("s3deploy", "s3deploy"),
    ("parents", "parent directories, else the root"),
];

/// What a method throws away in all cases of a kind.
struct Thrown {
    /// In parts of the least; infinite where nothing had to be thrown away.
    ratios: Vec<f64>,
    roots: usize,
}

/// In cases of public histories or made-up sites, with two budgets or one, in which something fits.
fn thrown(method: &str, is_made_up: bool, is_apart: bool) -> Thrown {
    let mut thrown = Thrown {
        ratios: Vec::new(),
        roots: 0,
    };
    for row in rows("cover") {
        let is_other =
            row["to"].is_empty() != is_made_up || row["directories"].is_empty() == is_apart;
        if is_other || row["cover"] == "none" {
            continue;
        }
        let figure = |name: &str| row[name].parse::<f64>().unwrap();
        let is_root = row[method] == "root";
        let most = match is_root {
            true => figure("urls") - figure("changes"),
            false => figure(method),
        };
        let least = figure("cover") - figure("gap");
        thrown.roots += usize::from(is_root);
        thrown
            .ratios
            .push(if most > least { most / least } else { 1.0 });
    }
    thrown.ratios.sort_by(f64::total_cmp);
    thrown
}

fn percent(part: usize, all: usize) -> String {
    format!("{:.0} %", 100.0 * float(part) / float(all))
}

pub(super) fn cover_table() -> String {
    let mut table = String::from(
        "| cases | method | throws away the least | median | 9 in 10 up to | most | pages where none had to be | takes the root |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for (is_made_up, is_apart, what) in [
        (false, true, "public histories, two budgets"),
        (false, false, "public histories, one budget"),
        (true, true, "made-up sites, two budgets"),
        (true, false, "made-up sites, one budget"),
    ] {
        for (column, name) in METHODS {
            let Thrown { ratios, roots } = thrown(column, is_made_up, is_apart);
            let count = ratios.len();
            let best = ratios.iter().filter(|ratio| **ratio <= 1.0).count();
            let finite = ratios.iter().filter(|ratio| ratio.is_finite()).count();
            // Below which that part of them is.
            let quantile = |part: usize, of: usize| ratios[(finite * part).div_ceil(of).max(1) - 1];
            table += &format!(
                "| {what}, {count} | {name} | {} | {:.2} | {:.2} | {:.2} | {} | {} |\n",
                percent(best, count),
                quantile(1, 2),
                quantile(9, 10),
                quantile(1, 1),
                percent(count - finite, count),
                percent(roots, count),
            );
        }
    }
    let rows = rows("cover");
    let count =
        |is_one: &dyn Fn(&Row) -> bool| number(&rows.iter().filter(|row| is_one(row)).count());
    format!(
        "{table}\nCases: {}. In {} of them no directories make it fit, so they are not in the table. Small enough for the second search: {}, \
         all with the same result. Covers that are not proven to be the best: {}.\n",
        count(&|_| true),
        count(&|row| row["cover"] == "none"),
        count(&|row| !row["second"].is_empty()),
        count(&|row| row["gap"] != "0"),
    )
}

pub(super) fn cover_times() -> String {
    let mut table = String::from(
        "| site | URLs | changed | budgets | directories | proven | cover | sorting the URLs | ratio |\n|---|---|---|---|---|---|---|---|---|\n",
    );
    for row in rows("cover-times") {
        let figure = |name: &str| row[name].parse::<f64>().unwrap();
        let proven = match (&*row["gap"], &*row["collateral"]) {
            ("0", _) => "yes".to_owned(),
            (_, collateral) => {
                format!(
                    "to {:.2} %",
                    100.0 * figure("gap") / collateral.parse::<f64>().unwrap()
                )
            }
        };
        table += &format!(
            "| {} | {} | {} | {} and {} | {} | {proven} | {:.0} ms | {:.0} ms | {:.1} |\n",
            row["shape"],
            number(&row["urls"]),
            number(&row["changes"]),
            number(&row["files"]),
            number(&row["directories"]),
            number(&row["chosen"]),
            figure("cover_ms"),
            figure("sort_ms"),
            figure("cover_ms") / figure("sort_ms"),
        );
    }
    table
}

/// Which part of all cases a method is within so many times the least.
fn cover_plot() -> Plot {
    let panel = |title: &str, is_apart| {
        let line = |(column, _): (&str, &str)| {
            let Thrown { ratios, .. } = thrown(column, false, is_apart);
            let count = float(ratios.len());
            let points = ratios.iter().enumerate();
            let points = points.filter(|(_, ratio)| **ratio <= 100.0);
            let points = points.map(|(at, ratio)| (*ratio, 100.0 * float(at + 1) / count));
            let mut points: Vec<_> = std::iter::once((1.0, 0.0)).chain(points).collect();
            points.push((100.0, points[points.len() - 1].1));
            // Of equal ratios, the last.
            let all = points.clone();
            let mut number = 0;
            points.retain(|point| {
                number += 1;
                number == 1 || all.get(number).is_none_or(|next| next.0 > point.0)
            });
            points
        };
        Panel {
            title: title.to_owned(),
            lines: METHODS.map(line).into(),
        }
    };
    let times = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0];
    Plot {
        about: "Cumulative share of cases by how many times the least possible each method throws away: purgit is at 1 in all cases",
        across: Axis {
            label: "thrown away, times the least possible",
            marks: times.map(|times| (times, format!("{times}×"))).into(),
            is_logarithmic: true,
        },
        up: Axis {
            label: "cases up to there",
            marks: [0.0, 25.0, 50.0, 75.0, 100.0]
                .map(|part| (part, format!("{part} %")))
                .into(),
            is_logarithmic: false,
        },
        names: METHODS.map(|(_, name)| name.to_owned()).into(),
        panels: vec![panel("two budgets", true), panel("one budget", false)],
    }
}

/// Seconds, and how many pages are stale from then on.
fn course(row: &Row) -> Vec<(f64, f64)> {
    let points = row["course"].split(' ').map(|point| {
        let (when, stale) = point.split_once(':').unwrap();
        (when.parse().unwrap(), stale.parse().unwrap())
    });
    points.collect()
}

pub(super) fn freshness_table() -> String {
    let mut table = String::from(
        "| what is wrong | way | all fresh after | stale in the end | exit code | URLs purged | GETs at edges | GETs at the origin |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for row in rows("freshness") {
        let course = course(&row);
        let (last, left) = course[course.len() - 1];
        table += &format!(
            "| {} | {} | {} | {left} of {} | {} | {} | {} | {} |\n",
            row["scenario"],
            row["strategy"],
            if left == 0.0 {
                format!("{last:.1} s")
            } else {
                "never".to_owned()
            },
            course[0].1,
            row["exit"],
            row["purged"],
            row["edge_gets"],
            row["origin_gets"],
        );
    }
    table
}

/// How many pages are stale, over time.
fn freshness_plot() -> Plot {
    const SECONDS: f64 = 16.0;
    let mut names: Vec<String> = Vec::new();
    let mut panels: Vec<Panel> = Vec::new();
    for row in rows("freshness") {
        if panels
            .last()
            .is_none_or(|panel| panel.title != row["scenario"])
        {
            panels.push(Panel {
                title: row["scenario"].clone(),
                lines: Vec::new(),
            });
        }
        if panels.len() == 1 {
            names.push(row["strategy"].clone());
        }
        let mut line = course(&row);
        line.push((SECONDS, line[line.len() - 1].1));
        panels.last_mut().unwrap().lines.push(line);
    }
    Plot {
        about: "Stale pages over time after a deploy, by what is wrong and by how it is purged",
        across: Axis {
            label: "seconds since the purge was started",
            marks: [0.0, 4.0, 8.0, 12.0, SECONDS]
                .map(|second| (second, format!("{second}")))
                .into(),
            is_logarithmic: false,
        },
        up: Axis {
            label: "stale pages, of 20 at each of 3 edges",
            marks: [0.0, 20.0, 40.0, 60.0]
                .map(|pages| (pages, format!("{pages}")))
                .into(),
            is_logarithmic: false,
        },
        names,
        panels,
    }
}

fn assert_drawn(page: &str, name: &str, plot: &Plot) {
    let drawn = plot.drawn();
    let path = repository().join(format!("docs/pictures/{name}.svg"));
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &drawn).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == drawn,
        "run `UPDATE=1 cargo test` to draw docs/pictures/{name}.svg anew"
    );
    assert!(
        read(page).contains(&format!("](pictures/{name}.svg)")),
        "{page} does not show {name}"
    );
}

#[test]
fn plots_are_up_to_date() {
    assert_drawn("docs/cover.md", "cover", &cover_plot());
    assert_drawn("docs/proof.md", "freshness", &freshness_plot());
}
