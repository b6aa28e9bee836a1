//! `purgit init`

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use crate::cli::args::Init;
use crate::cli::{CommandError, Printer};
use crate::diagnostic::listed;
use crate::entry::{Target, TargetKind};
use crate::exit::Exit;
use crate::manifest::resource::Endpoint;
use crate::manifest::schema::schema;
use crate::manifest::{self, ManifestFile, ROOT_FILE};
use crate::provider::{ProviderKind, REGISTRY};

/// The project, and the endpoint up to the CDN's field.
const PROJECT: &str = include_str!("init/project.yaml");
const SITE: &str = include_str!("init/site.yaml");
const POLL: &str = "  # poll: { interval: 5s, maxInterval: 30s, timeout: 30m }\n";
const EXAMPLE: &str = "\
apiVersion: purgit/v1alpha1
kind: Purge
metadata: { name: example }
spec:
  endpoint: www
  revision: \"1\"                         # change it to purge the same URLs again
";
const EXAMPLE_FILE: &str = "purges/example.yaml";
/// Named in what `init` writes.
const SCHEMA_FILE: &str = "schemas/purgit.v1alpha1.json";

/// A target of each kind and how the example declares it; kinds that every CDN supports are active.
const TARGETS: [(TargetKind, &str, &str); 5] = [
    (
        TargetKind::File,
        "https://www.example.com/pictures/city.png",
        "  files:\n    - https://www.example.com/pictures/city.png\n",
    ),
    (
        TargetKind::Directory,
        "https://www.example.com/pictures/",
        "  directories:                          # a directory ends in \"/\" and means everything below it\n    \
         - https://www.example.com/pictures/\n",
    ),
    (
        TargetKind::Tag,
        "pictures",
        "  # tags: [pictures]                    # everything that the origin marked with it (cache tag, surrogate key)\n",
    ),
    (
        TargetKind::Host,
        "www.example.com",
        "  # hosts: [www.example.com]            # everything of a host\n",
    ),
    (
        TargetKind::Everything,
        "",
        "  # everything: true                    # everything that the endpoint serves\n",
    ),
];

pub(super) fn run(arguments: &Init, printer: Printer) -> Result<Exit, CommandError> {
    let kind = arguments.provider.or(REGISTRY.first().copied());
    let kind = kind.ok_or_else(|| CommandError::new("there is no CDN"))?;
    let project = project(kind);
    let endpoint = endpoint(&project)?;
    if !write(ROOT_FILE, &project)? {
        let error = CommandError::new(format!("`{ROOT_FILE}` exists already and was not changed"));
        return Err(error.hint("`purgit validate` checks it"));
    }
    printer.note(&format!("wrote `{ROOT_FILE}`"));
    let schema = Printer::json_text(&schema());
    for (file, text) in [(EXAMPLE_FILE, example(&endpoint)), (SCHEMA_FILE, schema)] {
        printer.note(&match write(file, &text)? {
            true => format!("wrote `{file}`"),
            false => format!("`{file}` exists already and was not changed"),
        });
    }
    if arguments.provider.is_none() {
        let name = kind.name;
        printer.advice(&format!(
            "it is for `{name}`; `purgit init --help` names the other CDNs for `--provider`"
        ));
    }
    let variables = endpoint.variables();
    printer.advice("fill in the ids and hosts, then run `purgit validate` and `purgit plan`");
    if !variables.is_empty() {
        let variables = listed(variables);
        printer.advice(&format!(
            "`purgit apply` reads {variables} from the environment"
        ));
    }
    Ok(Exit::Done)
}

fn project(kind: &ProviderKind) -> String {
    let ProviderKind { template, .. } = kind;
    let mut text = format!("{PROJECT}{template}");
    text.push_str("  # limits:                             # defaults are the CDN's\n");
    for (name, value) in (kind.default_limits)().named() {
        text.push_str(&format!("  #   {name}: {value}\n"));
    }
    text + POLL
}

/// The endpoint that the template declares.
fn endpoint(project: &str) -> Result<Endpoint, CommandError> {
    let parsed = manifest::parse(vec![ManifestFile::new(ROOT_FILE, project)]);
    let mut endpoints = parsed.project.map(|project| project.endpoints);
    let endpoint = endpoints
        .as_mut()
        .and_then(|endpoints| endpoints.remove("www"));
    endpoint.ok_or_else(|| CommandError::new("the template is not valid"))
}

/// A purge of what the CDN supports, and a site.
fn example(endpoint: &Endpoint) -> String {
    let can_purge = |kind, text| {
        let target = Target::parse(kind, text);
        target.is_ok_and(|target| endpoint.provider.lower(&target).is_ok())
    };
    let targets = TARGETS
        .iter()
        .filter(|(kind, text, _)| can_purge(*kind, text));
    let targets: String = targets.map(|(.., lines)| *lines).collect();
    format!("{EXAMPLE}{targets}{SITE}")
}

/// Returns false if the file exists already.
fn write(path: &str, text: &str) -> Result<bool, CommandError> {
    let place = Path::new(path);
    let failed =
        |error: std::io::Error| CommandError::new(format!("cannot write `{path}`: {error}"));
    if let Some(folder) = place
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    match OpenOptions::new().write(true).create_new(true).open(place) {
        Ok(mut file) => file
            .write_all(text.as_bytes())
            .map(|()| true)
            .map_err(failed),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(failed(error)),
    }
}
