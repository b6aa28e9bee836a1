//! `kind: Site`: a content directory mapped to URLs.

use std::path::PathBuf;

use serde_json::{Value as Json, json};

use super::purge::{read_suspension, suspension_schema};
use super::{Drafts, Head, Kind};
use crate::content::{Rules, Selection};
use crate::diagnostic::shown;
use crate::manifest::resource::{OnDelete, SiteContent, Suspension};
use crate::url::CdnUrl;
use crate::yaml::fields::Fields;
use crate::yaml::problem::Span;
use crate::yaml::value::{Value, relative_folder};

pub(in crate::manifest) static KIND: Kind = Kind {
    name: "Site",
    description: "A content directory mapped to URLs; what changes in it is purged.",
    spec_optional: false,
    read,
    schema,
};

/// Name of the file that answers for its folder, unless `index` says otherwise.
pub(in crate::manifest) const DEFAULT_INDEX: &str = "index.html";

/// `spec` of a `Site`.
#[derive(Debug)]
pub(in crate::manifest) struct SiteDraft {
    pub(in crate::manifest) endpoint: Option<(String, Span)>,
    pub(in crate::manifest) base_url: Option<(CdnUrl, Span)>,
    pub(in crate::manifest) content: Option<SiteContent>,
    pub(in crate::manifest) index: Option<String>,
    pub(in crate::manifest) redirect: bool,
    pub(in crate::manifest) strip_extensions: Vec<String>,
    pub(in crate::manifest) on_delete: OnDelete,
    pub(in crate::manifest) suspension: Option<Suspension>,
}

fn read(head: Head, spec: Option<Value<'_>>, drafts: &mut Drafts) {
    let draft = spec.and_then(|spec| spec.mapping(|fields| read_spec(fields)));
    if let Some(draft) = draft {
        drafts.sites.push(head.draft(draft));
    }
}

fn read_spec(fields: &mut Fields<'_>) -> SiteDraft {
    let endpoint = fields.required("endpoint");
    let base_url = fields.required("baseUrl");
    let content = fields.required("content");
    let index = fields.optional("index");
    let redirect = fields.optional("redirect");
    let strip = fields.optional("stripExtensions");
    let on_delete = fields.optional("onDelete");
    SiteDraft {
        endpoint: endpoint.and_then(|value| Some((value.text()?.to_owned(), value.span()))),
        base_url: base_url.and_then(|value| Some((read_base_url(value)?, value.span()))),
        content: content.and_then(|value| value.mapping(|fields| read_content(fields)).flatten()),
        index: match index {
            Some(value) => read_index(value),
            None => Some(DEFAULT_INDEX.to_owned()),
        },
        redirect: redirect
            .and_then(|value| value.boolean())
            .unwrap_or_default(),
        strip_extensions: strip.map(read_extensions).unwrap_or_default(),
        on_delete: on_delete.and_then(read_on_delete).unwrap_or_default(),
        suspension: read_suspension(fields),
    }
}

fn read_base_url(value: Value<'_>) -> Option<CdnUrl> {
    let text = value.long_text()?;
    match CdnUrl::directory(text) {
        Ok(url) => Some(url),
        Err(error) => {
            let hint = error.hint(text);
            // Nothing is listed in a site.
            let hint = hint.map(|hint| hint.replace(", or list it under `files`", ""));
            let problem = value.problem(format!("`baseUrl`: {error}"));
            value.push(problem.maybe_hint(hint.map(|hint| shown(&hint))));
            None
        }
    }
}

fn read_content(fields: &mut Fields<'_>) -> Option<SiteContent> {
    let root = fields.required("root");
    let include = fields.optional("include");
    let exclude = fields.optional("exclude");
    let gitignore = fields.optional("gitignore");
    let hidden = fields.optional("hidden");
    let rules = Rules {
        include: include.map(read_texts).unwrap_or_default(),
        exclude: exclude.map(read_texts).unwrap_or_default(),
        gitignore: gitignore
            .and_then(|value| value.boolean())
            .unwrap_or_default(),
        hidden: hidden.and_then(|value| value.boolean()).unwrap_or_default(),
    };
    let selection = match Selection::compile(&rules) {
        Ok(selection) => Some(selection),
        Err(problems) => {
            for problem in problems {
                let wrong = |value: &Value<'_>| read_items(value).contains(&problem.glob.as_str());
                let lists = [include, exclude].into_iter().flatten();
                if let Some(list) = lists.into_iter().find(wrong) {
                    list.push(list.problem(shown(&problem.to_string())));
                }
            }
            None
        }
    };
    let root = root.and_then(read_root);
    Some(SiteContent {
        root: root?,
        rules,
        selection: selection?,
    })
}

fn read_root(value: Value<'_>) -> Option<PathBuf> {
    match relative_folder(value.text()?) {
        Ok(path) => Some(path),
        Err(why) => {
            value.push(value.problem(format!("`root` {why}")));
            None
        }
    }
}

/// The texts of a list, without complaint.
fn read_items<'a>(value: &Value<'a>) -> Vec<&'a str> {
    value
        .items()
        .into_iter()
        .flatten()
        .filter_map(|item| item.text())
        .collect()
}

fn read_texts(value: Value<'_>) -> Vec<String> {
    read_items(&value).into_iter().map(str::to_owned).collect()
}

fn read_index(value: Value<'_>) -> Option<String> {
    let text = value.text()?;
    if text.is_empty() || text == "." || text == ".." || text.contains('/') {
        let problem = value.problem(format!("`{}` is not the name of a file", shown(text)));
        value.push(problem.hint("write a name such as `index.html`, without a folder"));
        return None;
    }
    Some(text.to_owned())
}

fn read_extensions(value: Value<'_>) -> Vec<String> {
    let mut extensions = Vec::new();
    for item in value.items().into_iter().flatten() {
        let Some(text) = item.text() else { continue };
        if text.len() > 1 && text.starts_with('.') && !text.contains('/') {
            extensions.push(text.to_owned());
        } else {
            let problem = item.problem(format!("`{}` is not an extension", shown(text)));
            item.push(problem.hint("write it with its dot, as in `.html`"));
        }
    }
    extensions
}

fn read_on_delete(value: Value<'_>) -> Option<OnDelete> {
    match value.text()? {
        "purge" => Some(OnDelete::Purge),
        "ignore" => Some(OnDelete::Ignore),
        other => {
            let problem = value.problem(format!("`{}` is no way to handle deletion", shown(other)));
            value.push(problem.hint("write `purge` or `ignore`"));
            None
        }
    }
}

fn schema() -> Json {
    let globs = |what: &str| {
        json!({
            "description": what,
            "type": "array",
            "items": { "type": ["string", "number", "boolean"] }
        })
    };
    let mut properties = json!({
        "endpoint": {
            "description": "Name of the Endpoint that serves the site.",
            "type": ["string", "number"]
        },
        "baseUrl": {
            "description": "What the content root is served as; ends in `/`.",
            "type": "string",
            "pattern": "^[hH][tT][tT][pP][sS]?://[^#?\\\\]+/$",
            "examples": ["https://www.example.com/docs/"]
        },
        "content": {
            "description": "The files.",
            "type": "object",
            "additionalProperties": false,
            "required": ["root"],
            "properties": {
                "root": {
                    "description": "Folder relative to the project's root.",
                    "type": ["string", "number", "boolean"],
                    "examples": ["public"]
                },
                "include": globs("Globs below the root; `**` crosses folders. None means everything."),
                "exclude": globs("Globs of what is left out all the same."),
                "gitignore": {
                    "description": "Whether `.gitignore` files below the root count.",
                    "type": "boolean",
                    "default": false
                },
                "hidden": {
                    "description": "Whether files and folders that start with `.` are content.",
                    "type": "boolean",
                    "default": false
                }
            }
        },
        "index": {
            "description": "`a/<index>` also means `a/`.",
            "type": ["string", "number", "boolean"],
            "default": DEFAULT_INDEX
        },
        "redirect": {
            "description": "Whether `a/<index>` also means `a`, which redirects.",
            "type": "boolean",
            "default": false
        },
        "stripExtensions": {
            "description": "With `.html`, `a.html` also means `a`.",
            "type": "array",
            "items": { "type": "string", "pattern": "^[.][^/]+$" },
            "default": []
        },
        "onDelete": {
            "description": "Whether the URL of a file that is gone is purged too, or forgotten.",
            "enum": ["purge", "ignore"],
            "default": "purge"
        }
    });
    if let (Json::Object(all), Json::Object(more)) = (&mut properties, suspension_schema()) {
        all.extend(more);
    }
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["endpoint", "baseUrl", "content"],
        "properties": properties
    })
}
