//! The JSON schema says what the reader says, and the committed copy is up to date.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use purgit::manifest::schema::schema;
use serde_json::Value;

use super::{ENDPOINT, PROJECT, messages, purge, read_with};

/// Where editors find it.
const COMMITTED: &str = "schemas/purgit.v1alpha1.json";

#[test]
fn the_committed_schema_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(COMMITTED);
    let current = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &current).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == current,
        "run `UPDATE=1 cargo test` to rewrite `{COMMITTED}`"
    );
}

static VALIDATOR: LazyLock<jsonschema::Validator> =
    LazyLock::new(|| jsonschema::draft7::new(&schema()).unwrap());

fn accepts(text: &str) -> bool {
    let document: Value = serde_saphyr::from_str(text).unwrap();
    VALIDATOR.is_valid(&document)
}

const FULL_PROJECT: &str = "\
apiVersion: purgit/v1alpha1
kind: Project
metadata: { name: other }
spec:
  manifests: ['*.yaml']
  state: { file: a }
  status: { file: b }
  safety: { maxChangePercent: 30, maxUrls: 2000, maxDirectories: 50 }
";

const FULL_PURGE: &str = "\
apiVersion: purgit/v1alpha1
kind: Purge
metadata: { name: it }
spec:
  endpoint: www
  revision: 1
  files: [https://www.example.com/a.png]
  directories: [https://www.example.com/a/]
  tags: []
  hosts: []
  everything: false
  suspend: true
  suspendReason: sale
  suspendUntil: 2026-12-01
";

fn full_endpoint() -> String {
    format!(
        "{}    apiUrl: https://restapi.cdn.azure.cn
  limits:
    filesPerDay: 2000
    directoriesPerDay: 500
    dayStartsAt: 00:00+08:00
    itemsPerRequest: 100
    requestsPerSecond: 5
    concurrentRequests: 4
  poll: {{ interval: 5s, maxInterval: 30s, timeout: 30m }}
",
        // Of an account of its own, whose day may start when it wants.
        ENDPOINT
            .replace("name: www", "name: other")
            .replace("0001", "0003")
    )
}

/// Whether the reader finds no error in a document.
fn reads(text: &str) -> bool {
    let found = read_with(text).problems;
    // A second `Project` or endpoint is nothing that a schema can see.
    let own = |message: &str| {
        !message.starts_with("there is more than one")
            && !message.starts_with("a second")
            && !message.ends_with("stands in `purgit.yaml` only")
    };
    !found
        .iter()
        .any(|found| found.is_error() && own(&found.message))
}

#[test]
fn schema_and_reader_agree_on_what_is_good() {
    let endpoint = full_endpoint();
    for (text, replacements) in [
        (FULL_PROJECT, &[("30,", "0,"), ("30,", "100,")][..]),
        (PROJECT, &[]),
        (
            ENDPOINT,
            &[("{ env: AZURE_CDN_KEY_ID }", "{ command: [a, b] }")],
        ),
        (
            &endpoint,
            &[
                ("00:00+08:00", "'23:59Z'"),
                ("itemsPerRequest: 100", "itemsPerRequest: 1"),
                ("requestsPerSecond: 5", "requestsPerSecond: 0.5"),
                ("30m", "1h30m"),
                ("https://restapi.cdn.azure.cn", "http://localhost:8080/"),
                ("0002", "abCD"),
            ],
        ),
        (
            FULL_PURGE,
            &[
                ("revision: 1", "revision: '2026-11-20'"),
                ("2026-12-01", "2026-12-01T00:00:00Z"),
                ("suspend: true", "suspend: false"),
            ],
        ),
    ] {
        assert!(reads(text), "{:?}\n{text}", messages(text));
        assert!(accepts(text), "{text}");
        for (from, to) in replacements {
            let text = text.replace(from, to);
            assert!(reads(&text), "{:?}\n{text}", messages(&text));
            assert!(accepts(&text), "{text}");
        }
    }
}

#[test]
fn schema_and_reader_agree_on_what_is_bad() {
    let endpoint = full_endpoint();
    for (text, replacements) in [
        (
            FULL_PROJECT,
            &[
                ("kind: Project", "kind: Projekt"),
                ("v1alpha1", "v1"),
                ("metadata:", "labels: {}\nmetadata:"),
                ("{ name: other }", "{}"),
                ("name: other", "name: Other"),
                ("name: other", "name: '-'"),
                ("name: other", "name: other, labels: {}"),
                ("maxUrls", "maxUrl"),
                ("30,", "101,"),
                ("30,", "30.5,"),
                ("30,", "'30',"),
                ("file: a", "path: a"),
                ("file: a", "file: a, path: b"),
                ("['*.yaml']", "'*.yaml'"),
                ("['*.yaml']", ""),
            ][..],
        ),
        (
            &endpoint,
            &[
                ("hosts:", "host:"),
                (
                    "hosts: [www.example.com, \"*.img.example.com\"]",
                    "hosts: []",
                ),
                ("www.example.com", "https://www.example.com"),
                ("azureChinaCdn", "azureChina"),
                ("0002", "002"),
                ("https://restapi", "http//restapi"),
                (".cn", ".cn/path"),
                ("{ env: AZURE_CDN_KEY_ID }", "literal"),
                ("{ env: AZURE_CDN_KEY_ID }", "{ env: A, file: b }"),
                ("{ env: AZURE_CDN_KEY_ID }", "{}"),
                ("{ env: AZURE_CDN_KEY_ID }", "{ env: 'A B' }"),
                ("{ env: AZURE_CDN_KEY_ID }", "{ command: [] }"),
                ("{ env: AZURE_CDN_KEY_ID }", "{ command: a }"),
                ("      keyId:", "      keyIdent:"),
                ("filesPerDay: 2000", "filesPerDay: -1"),
                ("00:00+08:00", "24:00+08:00"),
                ("00:00+08:00", "00:00"),
                ("00:00+08:00", "00:00+14:01"),
                ("itemsPerRequest: 100", "itemsPerRequest: 0"),
                ("itemsPerRequest: 100", "itemsPerRequest: 100000"),
                ("requestsPerSecond: 5", "requestsPerSecond: 0"),
                ("concurrentRequests: 4", "concurrentRequests: 0"),
                ("5s", "5"),
                ("5s", "5 s"),
                ("5s", "fast"),
            ],
        ),
        (
            FULL_PURGE,
            &[
                ("endpoint: www", "revision: 1\n#"),
                ("revision: 1", "revision: [1]"),
                ("revision: 1", "revision: ''"),
                ("revision: 1", "revision:"),
                (
                    "[https://www.example.com/a.png]",
                    "https://www.example.com/a.png",
                ),
                ("https://www.example.com/a.png", "www.example.com/a.png"),
                (
                    "https://www.example.com/a.png",
                    "'https://www.example.com/a#b'",
                ),
                ("https://www.example.com/a/", "https://www.example.com/a"),
                ("https://www.example.com/a/", "https://www.example.com/a?b/"),
                ("suspend: true", "suspend: 'yes'"),
                ("suspend: true", "suspend: 'true'"),
                ("tags: []", "tags: a"),
                ("tags: []", "tags: ['a b']"),
                ("tags: []", "tags: ['a,b']"),
                ("hosts: []", "hosts: ['*.example.com']"),
                ("hosts: []", "hosts: [https://www.example.com/]"),
                ("everything: false", "everything: 'no'"),
                ("2026-12-01", "tomorrow"),
                ("2026-12-01", "2026-12-01T00:00:00"),
                ("spec:", "specs:"),
            ],
        ),
    ] {
        for (from, to) in replacements {
            assert!(text.contains(from), "{from}");
            // The unchanged first line of a replaced block would be a second `revision`.
            let text = text
                .replace(from, to)
                .replace("revision: 1\n# www\n  revision: 1", "#");
            let text = text.replace("revision: 1\n#\n  revision: 1\n", "revision: 1\n");
            assert!(!reads(&text), "the reader accepts\n{text}");
            assert!(!accepts(&text), "the schema accepts\n{text}");
        }
    }
}

/// The fields of the reader, by what it says about a field that cannot be.
fn fields_read_in(document: &Value, path: &[String]) -> BTreeSet<String> {
    const PROBE: &str = "zzzzzzzzzzzzzzzzzzzzzzzz";
    let mut document = document.clone();
    let mut place = &mut document;
    for key in path {
        place = &mut place[key];
    }
    place[PROBE] = Value::Null;
    // JSON is YAML.
    let parsed = read_with(&document.to_string());
    let message = format!("unknown field `{PROBE}`");
    let mut problems = parsed.problems.iter();
    let problem = problems
        .find(|found| found.message == message)
        .expect(&message);
    let hint = problem.hint.as_deref().unwrap();
    let fields = hint.strip_prefix("known fields: ").expect(hint);
    fields
        .split(", ")
        .map(|name| name.trim_matches('`').to_owned())
        .collect()
}

/// Compares the fields of each mapping in the schema with those that are read there.
fn compare(document: &Value, schema: &Value, root: &Value, path: &mut Vec<String>) -> usize {
    let schema = match schema["$ref"].as_str() {
        Some(reference) => root.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    };
    let Some(properties) = schema["properties"].as_object() else {
        return 0;
    };
    assert_eq!(schema["additionalProperties"], false, "{path:?}");
    let written: BTreeSet<String> = properties.keys().cloned().collect();
    assert_eq!(written, fields_read_in(document, path), "{path:?}");
    let mut compared = 1;
    for (name, schema) in properties {
        let mut value = &document[name.as_str()];
        if !path.is_empty() {
            value = path.iter().fold(document, |value, key| &value[key]);
            value = &value[name.as_str()];
        }
        if value.is_object() {
            path.push(name.clone());
            compared += compare(document, schema, root, path);
            path.pop();
        }
    }
    compared
}

#[test]
fn schema_and_reader_have_the_same_fields() {
    let root = schema();
    let endpoint = full_endpoint();
    for (kind, text, mappings) in [
        ("Project", FULL_PROJECT, 6),
        ("Endpoint", &endpoint, 9),
        ("Purge", FULL_PURGE, 3),
    ] {
        let document: Value = serde_saphyr::from_str(text).unwrap();
        let compared = compare(
            &document,
            &root["definitions"][kind],
            &root,
            &mut Vec::new(),
        );
        assert_eq!(compared, mappings, "{kind}");
    }
}

/// Checks every `default` against the schema it stands in.
fn check_defaults(schema: &Value, found: &mut usize) {
    if let Some(default) = schema.get("default") {
        let validator = jsonschema::draft7::new(schema).unwrap();
        assert!(validator.is_valid(default), "{default}");
        *found += 1;
    }
    let inner = schema
        .as_object()
        .map(|map| map.values().collect::<Vec<_>>());
    for value in inner.unwrap_or_default() {
        check_defaults(value, found);
    }
}

#[test]
fn defaults_in_the_schema_are_valid() {
    let root = schema();
    let mut found = 0;
    check_defaults(&root["definitions"], &mut found);
    assert!(found > 5, "{found}");
    assert!(reads(&purge("endpoint: www")));
}
