//! Markdown tables from what the program knows: schemas and arguments.

use clap::{Arg, ArgAction, Command, CommandFactory as _};
use purgit::cli::args::Cli;
use purgit::provider::Limits;
use purgit::provider::REGISTRY;
use serde_json::Value;

/// One row; a bar inside a cell would end it.
fn row(cells: &[&str]) -> String {
    let cells: Vec<_> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// The definition behind a reference, or the schema itself.
fn resolve<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    let inner = ["allOf", "anyOf"]
        .iter()
        .find_map(|word| schema[*word].get(0))
        .unwrap_or(schema);
    match inner["$ref"].as_str() {
        Some(reference) => root.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    }
}

/// What a value looks like, in words.
fn shape(schema: &Value, root: &Value) -> String {
    let resolved = resolve(schema, root);
    if let Some(title) = resolved["title"].as_str() {
        return title.to_owned();
    }
    let words: Vec<_> = match &resolved["type"] {
        Value::String(word) => vec![word.as_str()],
        Value::Array(words) => words.iter().filter_map(Value::as_str).collect(),
        _ if resolved["enum"].is_array() => {
            let words = resolved["enum"].as_array().into_iter().flatten();
            let words: Vec<_> = words
                .map(|word| format!("`{}`", word.as_str().unwrap()))
                .collect();
            return words.join(" or ");
        }
        _ => vec!["object"],
    };
    if words == ["array"] {
        return format!("list of {}", shape(&resolved["items"], root));
    }
    let range = |word: &str| match (resolved.get("minimum"), resolved.get("maximum")) {
        (Some(least), Some(most)) => {
            let most = most.to_string();
            format!("{word} from {least} to {}", most.trim_end_matches(".0"))
        }
        _ => word.to_owned(),
    };
    let words: Vec<_> = words
        .iter()
        .map(|word| match *word {
            "integer" | "number" => range(word),
            "object" => "mapping".to_owned(),
            other => other.to_owned(),
        })
        .collect();
    let nullable = schema["anyOf"]
        .as_array()
        .is_some_and(|any| any.iter().any(|one| one["type"] == "null"));
    let mut text = words.join(" or ");
    if nullable {
        text.push_str(" or null");
    }
    text
}

/// The provider's default of a limit, which the schema does not have, since each CDN has its own.
fn limit_default(name: &str) -> String {
    let limits: Limits = (REGISTRY[0].default_limits)();
    match name {
        "filesPerDay" => limits.files_per_day.to_string(),
        "directoriesPerDay" => limits.directories_per_day.to_string(),
        "dayStartsAt" => format!("\"{}\"", limits.day_starts_at),
        "itemsPerRequest" => limits.items_per_request.to_string(),
        "requestsPerSecond" => limits.requests_per_second.to_string(),
        "concurrentRequests" => limits.concurrent_requests.to_string(),
        other => panic!("no default for the limit `{other}`"),
    }
}

/// Of the field, or of the mapping that it is in.
fn default(path: &str, schema: &Value, around: Option<&Value>, required: bool) -> String {
    let limit = path.strip_prefix("spec.limits.");
    if let Some(limit) = limit.filter(|limit| !limit.starts_with("reserve")) {
        return format!("`{}`", limit_default(limit));
    }
    match schema.get("default").or(around) {
        Some(Value::String(text)) => format!("`{text}`"),
        Some(value) => format!("`{value}`"),
        None if required => "**required**".to_owned(),
        None => String::new(),
    }
}

fn rows(path: &str, schema: &Value, root: &Value, table: &mut String) {
    let schema = resolve(schema, root);
    let required = |name: &str| {
        let list = schema["required"].as_array();
        list.is_some_and(|list| list.iter().any(|one| one == name))
    };
    let fields = schema["properties"].as_object().map(serde_json::Map::len);
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        if path.is_empty() && (name == "apiVersion" || name == "kind") {
            continue;
        }
        let path = match path {
            "" => name.clone(),
            _ => format!("{path}.{name}"),
        };
        let field = resolve(field, root);
        let shape = shape(field, root);
        if shape != "mapping" || !field["properties"].is_object() {
            let mut meaning = field["description"].as_str().unwrap_or_default().to_owned();
            if let (Some(about), Some(1)) = (schema["description"].as_str(), fields) {
                meaning = format!("{about} {meaning}");
            }
            table.push_str(&row(&[
                &format!("`{path}`"),
                &shape,
                &default(&path, field, schema["default"].get(name), required(name)),
                &meaning,
            ]));
        } else {
            rows(&path, field, root, table);
        }
    }
}

/// Every field of a kind of manifest.
pub(super) fn manifest(root: &Value, kind: &str) -> String {
    let mut table = "| field | type | default | meaning |\n|---|---|---|---|\n".to_owned();
    rows("", &root["definitions"][kind], root, &mut table);
    table
}

/// Every field of a document with definitions, lists and nested objects included.
pub(super) fn fields(root: &Value) -> String {
    let mut table = "| field | type | meaning |\n|---|---|---|\n".to_owned();
    field_rows("", root, root, &mut table);
    table
}

fn field_rows(path: &str, schema: &Value, root: &Value, table: &mut String) {
    let schema = resolve(schema, root);
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}{name}");
        let shape = shape(field, root).replace("mapping", "object");
        let meaning = field["description"].as_str().unwrap_or_default();
        table.push_str(&row(&[&format!("`{path}`"), &shape, meaning]));
        let resolved = resolve(field, root);
        if resolved["type"] == "array" {
            field_rows(&format!("{path}[]."), &resolved["items"], root, table);
        } else {
            field_rows(&format!("{path}."), field, root, table);
        }
    }
}

fn built() -> Command {
    let mut command = Cli::command();
    command.build();
    command
}

/// Every command that does something, by its full name.
fn verbs() -> Vec<(String, Command)> {
    let mut verbs = Vec::new();
    let is_own = |command: &&Command| command.get_name() != "help";
    for command in built().get_subcommands().filter(is_own) {
        let name = command.get_name();
        if command.has_subcommands() {
            let actions = command.get_subcommands().filter(is_own).cloned();
            verbs.extend(actions.map(|action| (format!("{name} {}", action.get_name()), action)));
        } else {
            verbs.push((name.to_owned(), command.clone()));
        }
    }
    verbs
}

/// Every command and what it does.
pub(super) fn commands() -> String {
    let mut table = "| command | does |\n|---|---|\n".to_owned();
    for (name, command) in verbs() {
        let name = format!("`{name}{}`", positionals(&command));
        table.push_str(&row(&[&name, &about(&command)]));
    }
    table
}

fn about(command: &Command) -> String {
    command
        .get_about()
        .map(ToString::to_string)
        .unwrap_or_default()
}

fn positionals(command: &Command) -> String {
    let texts = command.get_positionals().map(|argument| {
        let many = argument
            .get_num_args()
            .is_some_and(|number| number.max_values() > 1);
        let name = argument.get_id().as_str().to_uppercase();
        let name = argument
            .get_value_names()
            .map_or(name, |names| names[0].to_string());
        let dots = if many { "…" } else { "" };
        if argument.is_required_set() {
            format!(" {name}{dots}")
        } else {
            format!(" [{name}]{dots}")
        }
    });
    texts.collect()
}

/// One row per option, with the commands that have it: those of all commands first.
pub(super) fn options() -> String {
    let mut rows: Vec<(String, String, Vec<String>)> = Vec::new();
    let verbs = verbs()
        .into_iter()
        .map(|(name, verb)| (format!("`{name}`"), verb));
    for (name, command) in std::iter::once(("(all)".to_owned(), built())).chain(verbs) {
        for argument in command.get_opts().chain(flags(&command)) {
            if argument.is_global_set() && name != "(all)" {
                continue;
            }
            let (spelling, meaning) = (spelling(argument), meaning(argument));
            let same = |row: &&mut (String, String, _)| row.0 == spelling && row.1 == meaning;
            match rows.iter_mut().find(same) {
                Some((_, _, commands)) => commands.push(name.clone()),
                None => rows.push((spelling, meaning, vec![name.clone()])),
            }
        }
    }
    let mut table = "| option | of | meaning |\n|---|---|---|\n".to_owned();
    for (spelling, meaning, commands) in rows {
        table.push_str(&row(&[&spelling, &commands.join(", "), &meaning]));
    }
    table
}

/// Arguments without a value, but for help and version, which everybody knows.
fn flags(command: &Command) -> impl Iterator<Item = &Arg> {
    let flags = command.get_arguments().filter(|argument| {
        let takes_value = argument.get_action().takes_values();
        !takes_value && !argument.is_positional()
    });
    flags.filter(|argument| {
        !matches!(
            argument.get_action(),
            ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version
        )
    })
}

fn spelling(argument: &Arg) -> String {
    let short = argument.get_short().map(|letter| format!("-{letter}"));
    let long = argument.get_long().map(|word| format!("--{word}"));
    let names: Vec<_> = short.into_iter().chain(long).collect();
    let value = match argument.get_value_names() {
        Some(values) if argument.get_action().takes_values() => {
            let sign = if argument.is_require_equals_set() {
                "="
            } else {
                " "
            };
            format!("{sign}{}", values[0])
        }
        _ => String::new(),
    };
    format!("`{}{value}`", names.join("`, `"))
}

fn meaning(argument: &Arg) -> String {
    let mut text = argument
        .get_help()
        .map(ToString::to_string)
        .unwrap_or_default();
    let values = argument.get_possible_values();
    if argument.get_action().takes_values() && !values.is_empty() {
        let words: Vec<_> = values
            .iter()
            .map(|value| format!("`{}`", value.get_name()))
            .collect();
        text.push_str(&format!(": {}", words.join(", ")));
    }
    if let ([default], true) = (
        argument.get_default_values(),
        argument.get_action().takes_values(),
    ) {
        text.push_str(&format!(" (default `{}`)", default.to_string_lossy()));
    }
    text
}
