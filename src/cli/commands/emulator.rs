//! `purgit emulator`

use std::io::ErrorKind;

use crate::cli::args::Emulator as Arguments;
use crate::cli::signals::Signals;
use crate::cli::{CommandError, Printer};
use crate::emulator::{
    ApiOptions, EdgeSettings, Emulator, EmulatorError, Origin, RequestRecord, Settings,
};
use crate::error::chain;
use crate::exit::Exit;
use crate::output::count;
use crate::reconcile::Interruption as _;

pub(super) fn run(arguments: Arguments, printer: Printer) -> Result<Exit, CommandError> {
    super::runtime()?.block_on(serve(arguments, printer))
}

async fn serve(arguments: Arguments, printer: Printer) -> Result<Exit, CommandError> {
    let settings = Settings {
        listen: arguments.listen,
        latency: arguments.latency,
        faults: arguments.faults,
        edge: match arguments.origin {
            Some(text) => {
                let mut behaviours = arguments.edges.into_iter();
                Some(EdgeSettings {
                    listen: arguments.edge_listen,
                    behaviour: behaviours.next().unwrap_or_default(),
                    others: behaviours.collect(),
                    ..EdgeSettings::new(origin(&text)?)
                })
            }
            None => None,
        },
        ..Settings::default()
    };
    let options = ApiOptions {
        files_per_day: arguments.files_per_day,
        directories_per_day: arguments.directories_per_day,
        items_per_request: arguments.items_per_request,
        requests_per_second: arguments.requests_per_second,
        window: arguments.window,
        hosts: arguments.hosts,
        strict: arguments.strict,
    };
    let api = (arguments.provider.build)(&options);
    let api = api.map_err(|error| CommandError::new(error).exit(Exit::Usage))?;
    let signals = Signals::listen(printer);
    let running = Emulator::start(settings, api)
        .await
        .map_err(|error| failed(&error))?;
    let mut requests = running.watch();
    let mut head = format!("# The emulator's API is {}\n", running.api_url());
    for (index, edge) in running.edges().iter().enumerate() {
        let which = if index == 0 { "The" } else { "Another" };
        head.push_str(&format!("# {which} edge is http://{edge}\n"));
    }
    head.push_str("# Set the credentials, and put this into purgit.yaml:\n");
    for (name, value) in running.credentials() {
        head.push_str(&format!("#   export {name}={value}\n"));
    }
    printer.generated(&head);
    printer.generated(&running.manifest());
    loop {
        tokio::select! {
            () = signals.cancel.cancelled() => break,
            request = requests.recv() => match request {
                Ok(request) => printer.note(&line(&request)),
                Err(tokio::sync::broadcast::error::RecvError::Lagged(missed)) => {
                    printer.note(&format!("… {missed} more requests"));
                }
                Err(tokio::sync::broadcast::error::RecvError::Closed) => break,
            },
        }
    }
    running.shutdown().await;
    Ok(signals.exit())
}

fn failed(error: &EmulatorError) -> CommandError {
    let message = format!("cannot start the emulator: {}", chain(error));
    let report = CommandError::new(message);
    let report = match error {
        EmulatorError::Listen(_, error) if error.kind() == ErrorKind::AddrInUse => report
            .hint("another program listens there; name another address with `--listen` or `--edge-listen`, e.g. `127.0.0.1:0` for a free port"),
        EmulatorError::Listen(..)
        | EmulatorError::Fault(_)
        | EmulatorError::NotLoopback(_)
        | EmulatorError::Edge(_) => report,
    };
    report.exit(match error {
        EmulatorError::Fault(_) => Exit::Usage,
        EmulatorError::NotLoopback(_) | EmulatorError::Listen(..) | EmulatorError::Edge(_) => {
            Exit::Error
        }
    })
}

/// A folder, or a URL if it looks like one.
fn origin(text: &str) -> Result<Origin, CommandError> {
    if !text.contains("://") {
        return Ok(Origin::Folder(text.into()));
    }
    let url = text
        .parse()
        .map_err(|error| CommandError::new(format!("`{text}`: {error}")))?;
    Ok(Origin::Url(url))
}

fn line(request: &RequestRecord) -> String {
    let status = request
        .status
        .map_or_else(|| "dropped".to_owned(), |status| status.to_string());
    let mut line = format!(
        "{} {} {} {status}",
        request.at.format("%H:%M:%S"),
        request.method,
        request.path
    );
    if request.items > 0 {
        line.push_str(&format!(", {}", count(request.items, "item")));
    }
    if let Some(error) = &request.error {
        line.push_str(&format!(", {error}"));
    }
    for fault in &request.faults {
        line.push_str(&format!(", fault {fault}"));
    }
    line
}
