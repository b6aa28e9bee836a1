//! What is said of a field: its JSON schema, and its line in the reference.

use serde_json::{Map, Value as Json, json};

/// What a value looks like.
#[derive(Debug, Clone, Default)]
pub struct Form {
    /// What it is for, if it is a block.
    pub about: String,
    /// In words, for people.
    pub words: String,
    /// Keywords of its JSON schema (draft-07).
    pub schema: Map<String, Json>,
    /// Its fields, if it is a mapping.
    pub rows: Vec<Row>,
}

/// One field of a mapping.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its name.
    pub key: &'static str,
    /// What it means.
    pub about: String,
    /// Whether it must be there.
    pub need: Need,
    /// What holds when it is absent.
    pub default: Option<Json>,
    /// What its value looks like.
    pub form: Form,
}

/// Whether a field must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Always.
    Required,
    /// It may be absent.
    Optional,
    /// Exactly one of all such fields of the mapping must be there.
    OneOf,
}

impl Form {
    /// A form without fields; `schema` is an object.
    pub fn new(words: impl Into<String>, schema: Json) -> Self {
        let schema = match schema {
            Json::Object(schema) => schema,
            _ => Map::new(),
        };
        Self {
            words: words.into(),
            schema,
            ..Self::default()
        }
    }

    /// A mapping that has these fields and no others.
    pub fn mapping(about: String, rows: Vec<Row>) -> Self {
        let keys = |need| {
            let keys = rows.iter().filter(move |row| row.need == need);
            keys.map(|row| row.key).collect::<Vec<_>>()
        };
        let properties: Map<_, _> = rows
            .iter()
            .map(|row| (row.key.into(), row.schema()))
            .collect();
        let mut form = Self::new(
            "mapping",
            json!({ "type": "object", "additionalProperties": false, "properties": properties }),
        );
        let (required, choices) = (keys(Need::Required), keys(Need::OneOf));
        if !required.is_empty() {
            form.schema.insert("required".into(), json!(required));
        }
        if !choices.is_empty() {
            let choices: Vec<_> = choices
                .iter()
                .map(|key| json!({ "required": [key] }))
                .collect();
            form.schema.insert("oneOf".into(), json!(choices));
        }
        Self {
            about,
            rows,
            ..form
        }
    }
}

impl Row {
    fn schema(&self) -> Json {
        let mut schema = self.form.schema.clone();
        schema.insert("description".into(), json!(self.about));
        let said_below = |row: &Self| row.default.is_some();
        let below = &self.form.rows;
        let is_said = !below.is_empty() && below.iter().all(said_below);
        if let Some(default) = self.default.as_ref().filter(|_| !is_said) {
            schema.insert("default".into(), default.clone());
        }
        Json::Object(schema)
    }

    /// Appends the rows of a Markdown table for this field, or for the fields below it: name,
    /// form, default, meaning.
    pub fn document(&self, path: &str, table: &mut String) {
        let path = if path.is_empty() {
            self.key.to_owned()
        } else {
            format!("{path}.{}", self.key)
        };
        if !self.form.rows.is_empty() && self.need != Need::OneOf {
            let mut rows = self.form.rows.clone();
            for row in &mut rows {
                let default = self.default.as_ref().and_then(|all| all.get(row.key));
                row.default = row.default.take().or_else(|| default.cloned());
                row.document(&path, table);
            }
            return;
        }
        let default = match (&self.default, self.need) {
            (Some(Json::String(text)), _) => format!("`{text}`"),
            (Some(value), _) => format!("`{value}`"),
            (None, Need::Required) => "**required**".to_owned(),
            (None, Need::OneOf) => "one of these".to_owned(),
            (None, Need::Optional) => String::new(),
        };
        let cells = [
            &format!("`{path}`"),
            &self.form.words,
            &default,
            &self.about,
        ];
        let cells = cells.map(|cell| cell.replace('|', "\\|"));
        *table += &format!("| {} |\n", cells.join(" | "));
    }
}
