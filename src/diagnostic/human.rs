//! Problems for people: a message, the place, the line and the remedy, as `rustc` shows them.

use std::path::Path;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::{Diagnostic, Place, Severity, Sources};
use crate::escape;

/// Columns of the output: what CI logs show without wrapping.
const WIDTH: usize = 180;

/// Renders problems, separated by blank lines. Paths are shown below `root`, the project's path from the
/// current folder.
pub fn human(diagnostics: &[Diagnostic], sources: &Sources, root: &Path, colour: bool) -> String {
    let renderer = if colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(WIDTH);
    let mut out = String::new();
    for diagnostic in diagnostics {
        if !out.is_empty() {
            out.push('\n');
        }
        for line in renderer.render(&groups(diagnostic, sources, root)).lines() {
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
    out
}

fn groups(diagnostic: &Diagnostic, sources: &Sources, root: &Path) -> Vec<Group<'static>> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut primary = Group::with_title(level.primary_title(escape::line(&diagnostic.message)));
    if let Some(place) = &diagnostic.place {
        let label = diagnostic.label.as_deref();
        primary = point_at(primary, place, sources, root, label);
    }
    if let Some(hint) = &diagnostic.hint {
        primary = primary.element(Level::HELP.with_name("hint").message(escape::line(hint)));
    }
    let mut groups = vec![primary];
    if let Some(related) = &diagnostic.related {
        let second = Group::with_title(Level::NOTE.secondary_title(escape::line(&related.message)));
        groups.push(point_at(second, &related.place, sources, root, None));
    }
    groups
}

fn point_at(
    group: Group<'static>,
    place: &Place,
    sources: &Sources,
    root: &Path,
    label: Option<&str>,
) -> Group<'static> {
    let Some(source) = sources.get(&place.file) else {
        return group.element(origin(place, root));
    };
    let (line, range) = source.snippet(place);
    let column = line[..range.start].chars().count() + 1;
    let annotation = AnnotationKind::Primary
        .span(range)
        .label(label.map(escape::line));
    let snippet = Snippet::source(line)
        .line_start(place.line)
        .annotation(annotation);
    if column == place.column {
        group.element(snippet.path(escape::line(&place.below(root))))
    } else {
        // The line was cut, masked or escaped, so its columns differ from the file's.
        group.element(origin(place, root)).element(snippet)
    }
}

fn origin(place: &Place, root: &Path) -> Origin<'static> {
    Origin::path(escape::line(&place.below(root)))
        .line(place.line)
        .char_column(place.column)
}
