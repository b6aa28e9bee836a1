//! Shapes of values: how each is read, described and shown, in one place.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::form::Form;
use super::value::{Value, Wrong};
use crate::yaml::problem::Span;

/// A value that was read, and where it stands.
#[derive(Debug, Clone)]
pub struct Found<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
    /// Where its items stand, if it is a list.
    pub items: Vec<Span>,
}

impl<T> Found<T> {
    /// The same place with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Found<U> {
        Found {
            value: change(self.value),
            span: self.span,
            items: self.items,
        }
    }
}

/// What the value of a field looks like.
pub struct Shape<T> {
    form: Box<dyn Fn() -> Form>,
    read: Box<dyn Fn(Value<'_>) -> Option<Found<T>>>,
    show: Box<dyn Fn(&T) -> Json>,
}

impl<T: 'static> Shape<T> {
    /// A shape of its own: `read` returns nothing after it has reported why, and `show` gives the
    /// value as it is written in a manifest.
    pub fn new(
        form: impl Fn() -> Form + 'static,
        read: impl Fn(Value<'_>) -> Option<T> + 'static,
        show: impl Fn(&T) -> Json + 'static,
    ) -> Self {
        let found = move |value: Value<'_>| {
            let (span, items) = (value.span(), Vec::new());
            read(value).map(|value| Found { value, span, items })
        };
        Self {
            form: Box::new(form),
            read: Box::new(found),
            show: Box::new(show),
        }
    }

    /// What is said of it.
    pub fn form(&self) -> Form {
        (self.form)()
    }

    /// Reads a value; nothing after a problem was reported.
    pub fn read(&self, value: Value<'_>) -> Option<Found<T>> {
        (self.read)(value)
    }

    /// The value as it is written in a manifest.
    pub fn show(&self, value: &T) -> Json {
        (self.show)(value)
    }

    /// Adds a keyword to the schema, or replaces one.
    #[must_use]
    pub fn with(self, keyword: &'static str, value: Json) -> Self {
        let form = move || {
            let mut form = (self.form)();
            form.schema.insert(keyword.into(), value.clone());
            form
        };
        Self {
            form: Box::new(form),
            ..self
        }
    }

    /// Text only, of that pattern.
    #[must_use]
    pub fn pattern(self, pattern: &'static str) -> Self {
        self.with("type", json!("string"))
            .with("pattern", json!(pattern))
    }

    /// The same with another type; `into` returns nothing after a problem was reported.
    pub fn via<U: 'static>(
        self,
        into: impl Fn(T) -> Option<U> + 'static,
        from: impl Fn(&U) -> T + 'static,
    ) -> Shape<U> {
        let (read, show) = (self.read, self.show);
        Shape {
            form: self.form,
            read: Box::new(move |value| {
                let Found { value, span, items } = read(value)?;
                into(value).map(|value| Found { value, span, items })
            }),
            show: Box::new(move |value| show(&from(value))),
        }
    }
}

const UNQUOTE: &str = "remove the quotes";

/// `true` or `false`.
pub fn boolean() -> Shape<bool> {
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
    let form = || Form::new("`true` or `false`", json!({ "type": "boolean" }));
    Shape::new(form, read, |value| json!(value))
}

/// A whole number in a range.
pub fn whole<T>(range: RangeInclusive<u64>) -> Shape<T>
where
    T: TryFrom<u64> + TryInto<u64> + Copy + 'static,
{
    let shape = ranged("integer", "a whole number", range, |text| text.parse().ok());
    let number = |value: &T| (*value).try_into().unwrap_or_default();
    shape.via(|number| T::try_from(number).ok(), number)
}

/// A number in a range, with or without a fraction.
pub fn number(range: RangeInclusive<f64>) -> Shape<f64> {
    // Rust's `inf` and `nan` are not numbers of YAML.
    let looks = |c: char| c.is_ascii_digit() || matches!(c, '.' | '+' | '-' | 'e' | 'E');
    let parse = move |text: &str| {
        let shape = text.contains(|c: char| c.is_ascii_digit()) && text.chars().all(looks);
        shape.then(|| text.parse().ok()).flatten()
    };
    ranged("number", "a number", range, parse)
}

fn ranged<N: PartialOrd + Serialize + ToString + Copy + 'static>(
    kind: &'static str,
    what: &'static str,
    range: RangeInclusive<N>,
    parse: impl Fn(&str) -> Option<N> + 'static,
) -> Shape<N> {
    let (low, high) = (*range.start(), *range.end());
    let bounds = format!("from {} to {}", low.to_string(), high.to_string());
    let words = format!("{kind} {bounds}");
    let form = move || {
        Form::new(
            &*words,
            json!({ "type": kind, "minimum": low, "maximum": high }),
        )
    };
    let read = move |value: Value<'_>| {
        let what = format!("{what} {bounds}");
        let Some(scalar) = value.scalar() else {
            return value.unfit(&what, None);
        };
        match parse(&scalar.text) {
            Some(number) if scalar.plain && range.contains(&number) => Some(number),
            Some(_) if !scalar.plain => value.unfit(&what, Some(UNQUOTE)),
            Some(_) | None => value.unfit(&what, None),
        }
    };
    Shape::new(form, read, |number| json!(number))
}

/// A duration in a range, such as `90s` or `1h30m`.
pub fn duration(range: RangeInclusive<Duration>) -> Shape<Duration> {
    let show = |duration: &Duration| humantime::format_duration(*duration).to_string();
    let what = format!(
        "a duration from {} to {}",
        show(range.start()),
        show(range.end())
    );
    let read = move |value: Value<'_>| {
        let Some(scalar) = value.scalar() else {
            return value.unfit(&what, None);
        };
        match parse_duration(&scalar.text) {
            Some(duration) if range.contains(&duration) => Some(duration),
            Some(_) => value.unfit(&what, None),
            None => {
                let hint = match scalar.text.parse::<u64>() {
                    Ok(number) => format!("write `{number}s` for seconds"),
                    Err(_) => "write it like `90s`, `10m` or `1h30m`".to_owned(),
                };
                value.unfit(&what, Some(&hint))
            }
        }
    };
    let schema =
        || json!({ "type": "string", "pattern": "^([0-9]+(ms|s|m|h|d))+$", "examples": ["1m30s"] });
    Shape::new(
        move || Form::new("duration", schema()),
        read,
        move |value| json!(show(value)),
    )
}

/// Digits with a unit, one or several times: `100ms`, `90s`, `10m`, `1h30m`, `2d`.
fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    while !rest.is_empty() {
        let unit = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        if unit.len() == rest.len() {
            return None;
        }
        rest = ["ms", "s", "m", "h", "d"]
            .into_iter()
            .find_map(|word| unit.strip_prefix(word))?;
    }
    humantime::parse_duration(text).ok()
}

/// Text of any look.
pub fn text() -> Shape<String> {
    parsed("text", |text| Ok(text.to_owned()))
}

/// Text that `parse` understands.
pub fn parsed<T: ToString + 'static>(
    words: &'static str,
    parse: impl Fn(&str) -> Result<T, Wrong> + 'static,
) -> Shape<T> {
    read_as(words, move |value| match parse(value.text()?) {
        Ok(parsed) => Some(parsed),
        Err(wrong) => value.refuse(wrong),
    })
}

/// As [`parsed`], for URLs, which have a limit of their own.
pub fn url<T: ToString + 'static>(parse: impl Fn(&str) -> Result<T, Wrong> + 'static) -> Shape<T> {
    read_as("URL", move |value| match parse(value.long_text()?) {
        Ok(parsed) => Some(parsed),
        Err(wrong) => value.refuse(wrong),
    })
}

fn read_as<T: ToString + 'static>(
    words: &'static str,
    read: impl Fn(Value<'_>) -> Option<T> + 'static,
) -> Shape<T> {
    let schema = || json!({ "type": ["string", "number", "boolean"], "minLength": 1 });
    Shape::new(
        move || Form::new(words, schema()),
        read,
        |value| json!(value.to_string()),
    )
}

/// One of a few words.
pub fn one_of<T: Copy + PartialEq + 'static>(words: &'static [(&'static str, T)]) -> Shape<T> {
    let names = || words.iter().map(|(name, _)| *name);
    let said = move || {
        names()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(" or ")
    };
    let read = move |value: Value<'_>| {
        let text = value.text()?;
        let found = words.iter().find(|(name, _)| *name == text);
        found
            .map(|(_, word)| *word)
            .or_else(|| value.unfit(&said(), None))
    };
    let form = move || Form::new(said(), json!({ "enum": names().collect::<Vec<_>>() }));
    let show = |value: &T| {
        json!(
            words
                .iter()
                .find(|(_, word)| word == value)
                .map(|(name, _)| name)
        )
    };
    Shape::new(form, read, show)
}

/// A list of any length.
pub fn list<T: 'static>(item: Shape<T>) -> Shape<Vec<T>> {
    list_of(item, 0..=usize::MAX, "")
}

/// A list of so many items; `hint` says what to do about more or fewer.
pub fn list_of<T: 'static>(
    item: Shape<T>,
    length: RangeInclusive<usize>,
    hint: &'static str,
) -> Shape<Vec<T>> {
    let Shape { form, read, show } = item;
    let (least, most) = (*length.start(), *length.end());
    let described = move || {
        let item = form();
        let mut form = Form::new(
            format!("list of {}", item.words),
            json!({ "type": "array", "items": item.schema }),
        );
        if least > 0 {
            form.schema.insert("minItems".into(), json!(least));
        }
        if most < usize::MAX {
            form.schema.insert("maxItems".into(), json!(most));
        }
        form
    };
    let read_all = move |list: Value<'_>| {
        let items = list.items()?;
        let count = items.len();
        if !length.contains(&count) {
            let message = match count {
                0 => "the list is empty".to_owned(),
                _ => format!("the list has {count} items, limit {most}"),
            };
            return list.refuse(Wrong::new(message, hint));
        }
        let mut found = Found {
            value: Vec::with_capacity(count),
            span: list.span(),
            items: Vec::with_capacity(count),
        };
        // Every item is looked at, so that every problem is reported.
        for item in items.filter_map(|item| read(item)) {
            found.value.push(item.value);
            found.items.push(item.span);
        }
        Some(found)
    };
    Shape {
        form: Box::new(described),
        read: Box::new(read_all),
        show: Box::new(move |items| items.iter().map(&show).collect()),
    }
}
