//! `purgit doctor`: gathers the facts. Its requests change nothing, and it writes nothing.

use std::path::Path;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::join;
use futures_util::stream::{self, StreamExt as _};
use tokio::time::Instant;

use crate::cli::args::{Doctor, DocumentFormat};
use crate::cli::project::{self, Opened};
use crate::cli::{CommandError, Printer};
use crate::clock::{Clock as _, SystemClock};
use crate::credential::Credentials;
use crate::credential::source::{self, CredentialSource, MissingCredentials};
use crate::credential::system::SystemSource;
use crate::doctor::{self, Asked, AskedNode, AskedNodes, Finding, Git, MAX_SKEW};
use crate::error::chain;
use crate::execute::sign_in::{NotSignedIn, redactor, sign_in};
use crate::exit::Exit;
use crate::git::{GitError, Repository};
use crate::manifest;
use crate::manifest::resource::Endpoint;
use crate::origin::Settings;
use crate::output::doctor as page;
use crate::provider::{ApiError, Auth, Fleet, Inspection};
use crate::secret::Redactor;
use crate::state::Loaded;
use crate::transport::date::{date, skew};
use crate::transport::fetch::Fetch as _;
use crate::transport::http::HttpTransport;
use crate::transport::http_fetch::HttpFetch;
use crate::transport::{Response, Transport, node};
use crate::workspace::places;

/// How long all questions about an endpoint may take together, as a person is waiting.
const PATIENCE: Duration = Duration::from_secs(20);

/// Endpoints asked at the same time.
const MAX_AT_ONCE: usize = 8;

pub(super) fn run(arguments: &Doctor, printer: Printer) -> Result<Exit, CommandError> {
    let root = project::find_root()?;
    let mut findings = Vec::new();
    let opened = match manifest::load(&root) {
        Err(error) => {
            findings.push(doctor::no_manifests(chain(&error), error.hint()));
            None
        }
        Ok(parsed) => {
            findings.push(doctor::manifests(&parsed.counts));
            parsed.project.map(|project| Opened {
                root: root.clone(),
                digest: String::new(),
                revision: "HEAD".to_owned(),
                project,
            })
        }
    };
    findings.push(doctor::git(git(&root)));
    if let Some(opened) = &opened {
        let loaded = check_records(opened, &mut findings);
        let state = loaded.as_ref().map(|loaded| &*loaded.state);
        let endpoints = opened.project.endpoints.values();
        let asked = super::runtime()?.block_on(ask_all(&root, endpoints));
        for (endpoint, asked, origins) in asked {
            let now = SystemClock.now();
            findings.extend(doctor::endpoint(endpoint, &asked, state, now));
            findings.extend(origins);
        }
    }
    show(&findings, arguments.format, printer);
    Ok(match page::is_well(&findings) {
        true => Exit::Done,
        false => Exit::Error,
    })
}

/// Checks the state, its lock and the place of the status.
fn check_records(opened: &Opened, findings: &mut Vec<Finding>) -> Option<Loaded> {
    let (project, root) = (&opened.project, &opened.root);
    let loaded = match places::state(project, root) {
        Ok(store) => {
            let loaded = store.load();
            let state = loaded.as_ref().map(|loaded| &*loaded.state);
            findings.push(doctor::state(&store.place(), state, store.warning()));
            findings.push(doctor::lock(store.held()));
            loaded.ok()
        }
        Err(error) => {
            findings.push(doctor::state("", Err(&error), None));
            None
        }
    };
    let status = places::status(project, root, &opened.revision);
    findings.extend(status.err().map(|error| doctor::status(&error)));
    loaded
}

fn show(findings: &[Finding], format: DocumentFormat, printer: Printer) {
    match format {
        DocumentFormat::Text => printer.page(&page::text(findings)),
        DocumentFormat::Json => printer.json(&page::document(findings)),
    }
}

fn git(root: &Path) -> Git {
    let unreadable = |error: &GitError| Git::Unreadable(chain(error), error.hint());
    match Repository::discover(root) {
        Err(GitError::NoRepository { .. }) => Git::None,
        Err(error) => unreadable(&error),
        Ok(repository) => match repository.is_shallow() {
            Ok(true) => Git::Shallow,
            Ok(false) => Git::Whole,
            Err(error) => unreadable(&error),
        },
    }
}

/// Answers of CDNs and origins, in the order of the endpoints.
async fn ask_all<'e>(
    root: &Path,
    endpoints: impl Iterator<Item = &'e Endpoint>,
) -> Vec<(&'e Endpoint, Asked, Vec<Finding>)> {
    let transport = HttpTransport::default();
    let source = SystemSource::new(root);
    let (source, transport) = (&source, &transport);
    let asking = endpoints.map(|endpoint| async move {
        let (asked, origins) = ask(endpoint, source, transport).await;
        (endpoint, asked, origins)
    });
    let asking: Vec<_> = asking.collect();
    stream::iter(asking).buffered(MAX_AT_ONCE).collect().await
}

async fn ask(
    endpoint: &Endpoint,
    source: &dyn CredentialSource,
    transport: &dyn Transport,
) -> (Asked, Vec<Finding>) {
    let of_origin = || endpoint.origin.iter().flat_map(Settings::credentials);
    let resolve = |needed| async {
        let needed = (endpoint.name.clone(), needed);
        let mut found = source::resolve_all(source, [needed]).await?;
        Ok::<_, MissingCredentials>(found.remove(&endpoint.name).unwrap_or_default())
    };
    let deadline = Instant::now() + PATIENCE;
    match resolve(endpoint.credentials()).await {
        Ok(mut credentials) => {
            let own = credentials.take(of_origin().map(|(name, _)| name));
            let cdn = ask_cdn(endpoint, &credentials, transport, deadline);
            join(cdn, ask_origins(endpoint, &own, deadline)).await
        }
        Err(missing) => {
            let missing = Asked::Missing(missing.by_endpoint().into_values().collect());
            // The origins' own credentials may still all be there.
            let origins = match resolve(of_origin().collect()).await {
                Ok(own) => ask_origins(endpoint, &own, deadline).await,
                Err(_) => Vec::new(),
            };
            (missing, origins)
        }
    }
}

async fn ask_origins(
    endpoint: &Endpoint,
    credentials: &Credentials,
    deadline: Instant,
) -> Vec<Finding> {
    let Some(settings) = &endpoint.origin else {
        return Vec::new();
    };
    let fetch = &HttpFetch::default();
    let bases = settings.bases().into_iter();
    let asking = bases.map(|base| async move {
        let url = format!("{base}{}", doctor::asked_path(settings));
        let request = settings.get(url.clone(), credentials);
        let fetched = fetch.fetch(request, settings.resolve, Some(deadline));
        doctor::origin(endpoint, settings, &url, fetched.await.as_ref())
    });
    let asking: Vec<_> = asking.collect();
    stream::iter(asking).buffered(MAX_AT_ONCE).collect().await
}

async fn ask_cdn(
    endpoint: &Endpoint,
    credentials: &Credentials,
    transport: &dyn Transport,
    deadline: Instant,
) -> Asked {
    let mut question = Question {
        endpoint,
        credentials,
        transport,
        deadline,
        ahead: TimeDelta::zero(),
    };
    match question.ask().await {
        // The date alone may be the reason of the refusal: ask again with the CDN's own time.
        Asked::Answered {
            skew: Some(skew),
            said: Err(_),
        } if skew.abs() >= MAX_SKEW => {
            question.ahead = skew;
            match question.ask().await {
                Asked::Answered { said, .. } => Asked::Answered {
                    skew: Some(skew),
                    said,
                },
                other => other,
            }
        }
        asked => asked,
    }
}

struct Question<'q> {
    endpoint: &'q Endpoint,
    credentials: &'q Credentials,
    transport: &'q dyn Transport,
    deadline: Instant,
    /// How far the CDN's clock is ahead.
    ahead: TimeDelta,
}

impl Question<'_> {
    async fn ask(&self) -> Asked {
        let provider = &*self.endpoint.provider;
        if let Some(fleet) = provider.fleet() {
            let redactor = redactor(self.credentials, None);
            return Asked::Nodes(self.ask_nodes(fleet, &redactor).await);
        }
        let now = || SystemClock.now() + self.ahead;
        let signed_in = sign_in(
            provider,
            self.credentials,
            self.transport,
            self.deadline,
            now,
        );
        let token = match signed_in.await {
            Ok(token) => token,
            Err(NotSignedIn::NoAnswer(error)) => return Asked::NoAnswer(error),
            Err(NotSignedIn::Refused(response, error)) => return answered(&response, Err(error)),
        };
        let redactor = redactor(self.credentials, token.as_ref());
        let auth = Auth {
            credentials: self.credentials,
            token: token.as_ref(),
            now: now(),
        };
        let (mut last, mut all) = (Asked::NoQuestion, Inspection::default());
        let mut answers = Vec::new();
        for request in provider.inspect(auth) {
            let sent = self.transport.send(request, Some(self.deadline)).await;
            let response = match sent {
                Err(error) => return Asked::NoAnswer(error.redacted(&redactor)),
                Ok(response) => response,
            };
            match provider.inspected(&answers, &response) {
                Err(error) => return answered(&response, Err(error.redacted(&redactor))),
                Ok(inspection) => all = all.and(inspection),
            }
            last = answered(&response, Ok(all.clone()));
            answers.push(response);
        }
        last
    }

    async fn ask_nodes(&self, fleet: &dyn Fleet, redactor: &Redactor) -> AskedNodes {
        let mut nodes = fleet.fixed().to_vec();
        let mut unknown = None;
        if let Some((host, port)) = fleet.name() {
            let found = self.transport.resolve(host, port).await;
            let found = found.map_err(|error| chain(&error));
            match found.and_then(|found| node::named(host, &found)) {
                Ok(found) => nodes.extend(found),
                Err(why) => {
                    let hint = "check `nodes.dns`".to_owned();
                    unknown = Some((format!("no node by the name `{host}`: {why}"), Some(hint)));
                }
            }
        }
        let ask = |node: String| async move {
            let asked = self.ask_node(fleet, &node, redactor).await;
            (node, asked)
        };
        let asked = stream::iter(nodes.into_iter().map(ask));
        AskedNodes {
            unknown,
            asked: asked.buffered(MAX_AT_ONCE).collect().await,
        }
    }

    async fn ask_node(&self, fleet: &dyn Fleet, node: &str, redactor: &Redactor) -> AskedNode {
        let auth = Auth {
            credentials: self.credentials,
            token: None,
            now: SystemClock.now(),
        };
        let Some(request) = fleet.question(node, auth) else {
            return AskedNode::NoQuestion;
        };
        let patience = fleet.patience();
        let sent = self
            .transport
            .send_to_node(request, patience, Some(self.deadline));
        match sent.await {
            Err(error) => AskedNode::NoAnswer(error.redacted(redactor)),
            Ok(response) => {
                let answer = fleet.questioned(&response);
                AskedNode::Answered(answer.map_err(|error| error.redacted(redactor)))
            }
        }
    }
}

fn answered(response: &Response, said: Result<Inspection, ApiError>) -> Asked {
    let now = SystemClock.now();
    Asked::Answered {
        skew: date(response).map(|date| skew(date, now)),
        said,
    }
}
