//! Shapes of values: how each is read, described in the schema, and shown.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::value::{Value, Wrong, wrong};
use crate::url::UrlError;
use crate::yaml::problem::Span;

#[derive(Debug, Clone)]
pub(crate) struct Found<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
    pub(crate) items: Vec<Span>,
}

impl<T> Found<T> {
    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> Found<U> {
        let Self { value, span, items } = self;
        Found {
            value: change(value),
            span,
            items,
        }
    }
}

type Read<T> = dyn Fn(Value<'_>) -> Option<Found<T>>;

pub(crate) struct Shape<T> {
    schema: Box<dyn Fn() -> Json>,
    read: Box<Read<T>>,
    show: Box<dyn Fn(&T) -> Json>,
}

impl<T: 'static> Shape<T> {
    /// `read` reports problems and then returns `None`; `show` gives the value as in a manifest.
    pub(crate) fn new(
        schema: impl Fn() -> Json + 'static,
        read: impl Fn(Value<'_>) -> Option<T> + 'static,
        show: impl Fn(&T) -> Json + 'static,
    ) -> Self {
        let found = move |value: Value<'_>| {
            let (span, items) = (value.span(), Vec::new());
            Some(Found {
                value: read(value)?,
                span,
                items,
            })
        };
        Self {
            schema: Box::new(schema),
            read: Box::new(found),
            show: Box::new(show),
        }
    }

    /// JSON schema (draft-07); its title, if any, is the shape's name in the reference.
    pub(crate) fn schema(&self) -> Json {
        (self.schema)()
    }

    pub(crate) fn read(&self, value: Value<'_>) -> Option<Found<T>> {
        (self.read)(value)
    }

    pub(crate) fn show(&self, value: &T) -> Json {
        (self.show)(value)
    }

    /// Adds or replaces a keyword of the schema.
    pub(crate) fn with(self, keyword: &'static str, value: impl Into<Json>) -> Self {
        let value = value.into();
        let schema = move || {
            let mut schema = (self.schema)();
            schema[keyword] = value.clone();
            schema
        };
        Self {
            schema: Box::new(schema),
            ..self
        }
    }

    pub(crate) fn pattern(self, pattern: &'static str) -> Self {
        self.with("type", "string").with("pattern", pattern)
    }

    /// Converts the value; `into` reports problems and then returns `None`.
    pub(crate) fn via<U: 'static>(
        self,
        into: impl Fn(T) -> Option<U> + 'static,
        from: impl Fn(&U) -> T + 'static,
    ) -> Shape<U> {
        let (read, show) = (self.read, self.show);
        Shape {
            schema: self.schema,
            read: Box::new(move |value| {
                let Found { value, span, items } = read(value)?;
                Some(Found {
                    value: into(value)?,
                    span,
                    items,
                })
            }),
            show: Box::new(move |value| show(&from(value))),
        }
    }
}

const UNQUOTE: &str = "remove the quotes";

pub(crate) fn boolean() -> Shape<bool> {
    let read = |value: Value<'_>| {
        let hint = match value.scalar() {
            Some(scalar) if scalar.plain => match &*scalar.text {
                "true" | "True" | "TRUE" => return Some(true),
                "false" | "False" | "FALSE" => return Some(false),
                "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "y" => Some("write `true`"),
                "no" | "No" | "NO" | "off" | "Off" | "OFF" | "n" => Some("write `false`"),
                _ => None,
            },
            Some(scalar) if matches!(&*scalar.text, "true" | "false") => Some(UNQUOTE),
            Some(_) | None => None,
        };
        value.unfit("`true` or `false`", hint)
    };
    Shape::new(|| json!({ "type": "boolean" }), read, |value| json!(value))
}

pub(crate) fn whole<T>(range: RangeInclusive<u64>) -> Shape<T>
where
    T: TryFrom<u64> + TryInto<u64> + Copy + 'static,
{
    let shape = ranged("integer", "a whole number", range, |text| text.parse().ok());
    let number = |value: &T| (*value).try_into().unwrap_or_default();
    shape.via(|number| T::try_from(number).ok(), number)
}

pub(crate) fn number(range: RangeInclusive<f64>) -> Shape<f64> {
    // Rust's `inf` and `nan` are not YAML numbers.
    let looks = |c: char| c.is_ascii_digit() || matches!(c, '.' | '+' | '-' | 'e' | 'E');
    ranged("number", "a number", range, move |text| {
        let is_number = text.contains(|c: char| c.is_ascii_digit()) && text.chars().all(looks);
        is_number.then(|| text.parse().ok()).flatten()
    })
}

fn ranged<N: PartialOrd + Serialize + ToString + Copy + 'static>(
    kind: &'static str,
    what: &'static str,
    range: RangeInclusive<N>,
    parse: impl Fn(&str) -> Option<N> + 'static,
) -> Shape<N> {
    let (low, high) = (*range.start(), *range.end());
    let what = format!("{what} from {} to {}", low.to_string(), high.to_string());
    let read = move |value: Value<'_>| {
        let scalar = value.scalar();
        let number = scalar.and_then(|scalar| parse(&scalar.text));
        if scalar.is_some_and(|scalar| scalar.plain) {
            let number = number.filter(|number| range.contains(number));
            return number.or_else(|| value.unfit(&what, None));
        }
        value.unfit(&what, number.map(|_| UNQUOTE))
    };
    let schema = move || json!({ "type": kind, "minimum": low, "maximum": high });
    Shape::new(schema, read, |number| json!(number))
}

pub(crate) fn duration(range: RangeInclusive<Duration>) -> Shape<Duration> {
    let show = |duration: &Duration| humantime::format_duration(*duration).to_string();
    let (low, high) = (show(range.start()), show(range.end()));
    let what = format!("a duration from {low} to {high}");
    let read = move |value: Value<'_>| {
        let text = value.scalar().map(|scalar| &*scalar.text);
        match text.and_then(parse_duration) {
            Some(duration) if range.contains(&duration) => Some(duration),
            Some(_) => value.unfit(&what, None),
            None => {
                let seconds = text.and_then(|text| text.parse::<u64>().ok());
                let hint = text.map(|_| match seconds {
                    Some(number) => format!("write `{number}s` for seconds"),
                    None => "write it like `90s`, `10m` or `1h30m`".to_owned(),
                });
                value.unfit(&what, hint.as_deref())
            }
        }
    };
    let pattern = "^([0-9]+(ms|s|m|h|d))+$";
    let schema = move || json!({ "title": "duration", "type": "string", "pattern": pattern });
    Shape::new(schema, read, move |value| json!(show(value)))
}

/// One or more numbers with units: `100ms`, `90s`, `10m`, `1h30m`, `2d`.
fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    while !rest.is_empty() {
        let unit = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let mut units = ["ms", "s", "m", "h", "d"].into_iter();
        rest =
            units.find_map(|word| unit.strip_prefix(word).filter(|_| unit.len() < rest.len()))?;
    }
    humantime::parse_duration(text).ok()
}

pub(crate) fn text<T: for<'t> From<&'t str> + ToString + 'static>() -> Shape<T> {
    parsed("text", |text| Ok(text.into()))
}

pub(crate) fn parsed<T: ToString + 'static>(
    title: &'static str,
    parse: impl Fn(&str) -> Result<T, Wrong> + 'static,
) -> Shape<T> {
    let any = json!({ "title": title, "type": ["string", "number", "boolean"], "minLength": 1 });
    let read = move |value: Value<'_>| {
        let parsed = parse(value.text()?);
        parsed.map_or_else(|wrong| value.refuse(wrong), Some)
    };
    Shape::new(move || any.clone(), read, |value| json!(value.to_string()))
}

/// Like [`parsed`], for values with their own length limit that may hold a password, such as URLs.
pub(crate) fn long<T: ToString + 'static>(
    title: &'static str,
    parse: impl Fn(&str) -> Result<T, Wrong> + 'static,
) -> Shape<T> {
    let read = move |value: Value<'_>| {
        let text = value.long_text()?;
        let parsed = parse(text);
        if parsed.is_err() && UrlError::may_hold_password(text) {
            value.mask();
        }
        parsed.map_or_else(|wrong| value.refuse(wrong), Some)
    };
    Shape::new(
        move || json!({ "title": title, "type": "string" }),
        read,
        |value| json!(value.to_string()),
    )
}

pub(crate) fn one_of<T: Copy + PartialEq + 'static>(
    words: &'static [(&'static str, T)],
) -> Shape<T> {
    let names = || words.iter().map(|(name, _)| *name).collect::<Vec<_>>();
    let read = move |value: Value<'_>| {
        let text = value.text()?;
        match words.iter().find(|(name, _)| *name == text) {
            Some((_, word)) => Some(*word),
            None => value.unfit(&format!("`{}`", names().join("` or `")), None),
        }
    };
    let show = |value: &T| {
        let found = words.iter().find(|(_, word)| word == value);
        json!(found.map(|(name, _)| name))
    };
    Shape::new(move || json!({ "enum": names() }), read, show)
}

pub(crate) fn list<T: 'static>(item: Shape<T>) -> Shape<Vec<T>> {
    list_of(item, 0..=usize::MAX, "")
}

pub(crate) fn list_of<T: 'static>(
    item: Shape<T>,
    length: RangeInclusive<usize>,
    hint: &'static str,
) -> Shape<Vec<T>> {
    let Shape { schema, read, show } = item;
    let (least, most) = (*length.start(), *length.end());
    let list_schema = move || {
        let mut list = json!({ "type": "array", "items": schema() });
        if least > 0 {
            list["minItems"] = json!(least);
        }
        if most < usize::MAX {
            list["maxItems"] = json!(most);
        }
        list
    };
    let read_all = move |list: Value<'_>| {
        let items = list.items()?;
        let count = items.len();
        if !length.contains(&count) {
            let message = match count {
                0 => "the list is empty".to_owned(),
                _ => format!("the list has {count} items, limit {most}"),
            };
            return list.refuse(wrong(message, hint));
        }
        let mut found = Found {
            value: Vec::with_capacity(count),
            span: list.span(),
            items: Vec::with_capacity(count),
        };
        // Read every item, so that every problem is reported.
        for item in items.filter_map(&read) {
            found.value.push(item.value);
            found.items.push(item.span);
        }
        Some(found)
    };
    Shape {
        schema: Box::new(list_schema),
        read: Box::new(read_all),
        show: Box::new(move |items| items.iter().map(&show).collect()),
    }
}
