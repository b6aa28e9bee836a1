//! `purgit demo`: the main job on the embedded emulator, as a guided tour.

use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::{apply, plan, purge, state};
use crate::cli::args::{Apply, Baseline, Demo, Plan, Purge, State, StateAction};
use crate::cli::channels::Channels;
use crate::cli::{CommandError, Printer};
use crate::emulator::{ApiOptions, Behaviour, EdgeSettings, Emulator, Origin, Running, Settings};
use crate::error::chain;
use crate::exit::Exit;
use crate::output::page::{BOLD, Page};
use crate::transport::http::HttpTransport;
use crate::transport::{Method, Request, Transport as _};

/// How long the emulated purge takes: long enough to be seen, short enough for a tour.
const LATENCY: Duration = Duration::from_millis(700);

/// How long the emulated deployment takes.
const DEPLOYMENT: Duration = Duration::from_millis(500);

const BEFORE: &str = "<h1>Spring sale: 10 % off</h1>\n";
const AFTER: &str = "<h1>Spring sale: 50 % off</h1>\n";
const LATER: &str = "<h1>Spring sale: 70 % off</h1>\n";

pub(super) fn run(arguments: &Demo, printer: Printer) -> Result<Exit, CommandError> {
    let folder = TempDir::with_prefix("purgit-demo-").map_err(failed)?;
    let runtime = super::runtime()?;
    let origin = folder.path().join("site");
    write(&origin.join("sale.html"), BEFORE)?;
    let settings = Settings {
        latency: LATENCY,
        edge: Some(EdgeSettings {
            // Stands for the origin.
            others: vec![Behaviour {
                passes: true,
                ..Behaviour::default()
            }],
            ..EdgeSettings::new(Origin::Folder(origin.clone()))
        }),
        ..Settings::default()
    };
    let api = (arguments.provider.build)(&ApiOptions::default());
    let api = api.map_err(CommandError::new)?;
    let emulator = runtime.block_on(Emulator::start(settings, api));
    let emulator = emulator.map_err(failed)?;
    let tour = Tour {
        printer,
        runtime: &runtime,
        emulator: &emulator,
        root: folder.path(),
    };
    std::env::set_current_dir(folder.path()).map_err(failed)?;
    let result = tour.walk();
    // Windows cannot remove the current folder of a process.
    let _ = std::env::set_current_dir(std::env::temp_dir());
    runtime.block_on(emulator.shutdown());
    result.map(|()| Exit::Done)
}

struct Tour<'a> {
    printer: Printer,
    runtime: &'a Runtime,
    emulator: &'a Running,
    root: &'a Path,
}

impl Tour<'_> {
    fn walk(&self) -> Result<(), CommandError> {
        let page = format!("{}/sale.html", self.emulator.edge_url().unwrap_or_default());
        self.say("A CDN edge is running on this machine, in front of the folder `site`. It caches a page:");
        self.curl(&page, "10 %", "MISS")?;
        self.curl(&page, "10 %", "HIT")?;

        self.say("The page changes at the origin, and the edge does not know:");
        self.command("echo '<h1>Spring sale: 50 % off</h1>' > site/sale.html");
        write(&self.root.join("site/sale.html"), AFTER)?;
        self.curl(&page, "10 %", "HIT")?;

        self.say("So declare, in YAML and in git, what must be fresh:");
        let purge = self.declare(&page)?;
        self.command("cat purges/spring.yaml");
        self.show(&purge);

        self.say("The plan says what would be purged. It needs no network and no credentials:");
        self.plan()?;

        self.say("Carry it out: purge, then wait until the CDN is done:");
        self.apply()?;

        self.say("The edge is fresh:");
        self.curl(&page, "50 %", "MISS")?;

        self.say("And what was confirmed is not purged again:");
        self.plan()?;

        self.gate(&page)?;

        self.say(
            "That is the main job. Change `revision` in the manifest, and the page is planned again.\n\
             Next: `purgit init` in a repository of yours, or `purgit emulator` to try things out.",
        );
        Ok(())
    }

    /// Shows what a purge before the deployment does, and how the origin gate prevents it.
    fn gate(&self, page: &str) -> Result<(), CommandError> {
        self.say("A site declares whole folders. What is live already is adopted, not purged:");
        write(&self.root.join("public/sale.html"), AFTER)?;
        let base = page.trim_end_matches("sale.html");
        let site = format!(
            "apiVersion: purgit/v1alpha1\nkind: Site\nmetadata: {{ name: shop }}\nspec:\n  \
             endpoint: www\n  baseUrl: {base}\n  content: {{ root: public }}\n"
        );
        write(&self.root.join("purges/shop.yaml"), &site)?;
        self.command("cat purges/shop.yaml");
        self.show(&site);
        self.command("purgit state baseline");
        let baseline = State {
            action: StateAction::Baseline(Baseline::default()),
        };
        expect(state::run(&baseline, self.printer)?)?;

        self.say(
            "A new page is in `public`, and its deployment takes a while.\n\
             A purge that comes too early succeeds, and does harm: the edge fetches the old page anew:",
        );
        self.command("echo '<h1>Spring sale: 70 % off</h1>' > public/sale.html");
        write(&self.root.join("public/sale.html"), LATER)?;
        self.command(&format!("purgit purge {page}"));
        let purge = Purge {
            urls: vec![page.to_owned()],
            ..Purge::default()
        };
        expect(purge::run(purge, self.printer)?)?;
        self.curl(page, "50 %", "MISS")?;

        self.say(
            "So tell purgit where the origin is. Now the purge waits until the new page is there:",
        );
        let project = self.root.join("purgit.yaml");
        let origin = self.emulator.edges().get(1);
        let origin = origin.map(ToString::to_string).unwrap_or_default();
        let origin = format!("  origin: {{ url: \"http://{origin}/\", interval: 200ms }}\n");
        let ungated = std::fs::read_to_string(&project).map_err(failed)?;
        write(&project, &format!("{ungated}{origin}"))?;
        self.command("tail -n 1 purgit.yaml");
        self.show(&origin);
        let deployed = self.root.join("site/sale.html");
        let deployment = std::thread::spawn(move || {
            std::thread::sleep(DEPLOYMENT);
            write(&deployed, LATER)
        });
        let applied = self.apply();
        // A failed write shows below: the page is still the old one.
        let _ = deployment.join();
        applied?;
        self.curl(page, "70 %", "MISS")
    }

    fn plan(&self) -> Result<(), CommandError> {
        self.command("purgit plan");
        expect(plan::run(
            &Plan::default(),
            &Channels::default(),
            self.printer,
        )?)
    }

    fn apply(&self) -> Result<(), CommandError> {
        self.command("purgit apply");
        let apply = Apply {
            auto_approve: true,
            ..Apply::default()
        };
        expect(apply::run(apply, &Channels::default(), self.printer)?)
    }

    /// The project of the tour: the emulator's own manifest, with the credentials in files, since a
    /// process cannot safely set its own environment.
    fn declare(&self, page: &str) -> Result<String, CommandError> {
        let mut project = self.emulator.manifest();
        for (name, value) in self.emulator.credentials() {
            let file = format!("{{ file: key/{name} }}");
            project = project.replace(&format!("{{ env: {name} }}"), &file);
            write(&self.root.join("key").join(name), &value)?;
        }
        write(&self.root.join("purgit.yaml"), &project)?;
        let purge = format!(
            "apiVersion: purgit/v1alpha1\nkind: Purge\nmetadata: {{ name: spring }}\nspec:\n  \
             endpoint: www\n  revision: \"2026-03-01\"\n  files:\n    - {page}\n"
        );
        write(&self.root.join("purges/spring.yaml"), &purge)?;
        Ok(purge)
    }

    /// Fetches a page through the edge, shows it, and checks that it is as the tour says.
    fn curl(&self, url: &str, content: &str, cache: &str) -> Result<(), CommandError> {
        self.command(&format!("curl -i {url}"));
        let request = Request {
            method: Method::Get,
            url: url.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        let transport = HttpTransport::default();
        let response = self.runtime.block_on(transport.send(request, None));
        let response = response.map_err(failed)?;
        let found = response.header("x-cache").unwrap_or("none").to_owned();
        let body = String::from_utf8_lossy(&response.body).into_owned();
        self.show(&format!(
            "HTTP/1.1 {}\nX-Cache: {found}\n\n{body}",
            response.status
        ));
        if found != cache || !body.contains(content) {
            return Err(CommandError::new(format!(
                "the tour expected `{content}` as {cache}, and the edge answered otherwise"
            )));
        }
        Ok(())
    }

    fn say(&self, text: &str) {
        let mut page = Page::default();
        page.end();
        for line in text.lines() {
            page.paint(BOLD, line).end();
        }
        self.printer.page(&page);
    }

    fn command(&self, text: &str) {
        self.printer.line("");
        self.printer.line(&format!("$ {text}"));
    }

    fn show(&self, text: &str) {
        for line in text.lines() {
            self.printer.line(line);
        }
    }
}

fn expect(exit: Exit) -> Result<(), CommandError> {
    if exit == Exit::Done {
        Ok(())
    } else {
        Err(CommandError::new("the tour did not go as planned").exit(exit))
    }
}

fn write(path: &Path, text: &str) -> Result<(), CommandError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(path, text).map_err(failed)
}

fn failed(error: impl std::error::Error) -> CommandError {
    CommandError::new(chain(&error))
}
