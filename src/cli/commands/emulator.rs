//! `purgit emulator`

use crate::cli::args::Emulator as Arguments;
use crate::cli::signals::Signals;
use crate::cli::{CommandError, Printer};
use crate::emulator::{
    EdgeSettings, Emulator, ItemRules, Limits, Origin, RequestRecord, Settings, SigningRules,
};
use crate::error::chain;
use crate::exit::Exit;
use crate::output::count;
use crate::reconcile::Interruption as _;

pub(super) fn run(arguments: Arguments, printer: Printer) -> Result<Exit, CommandError> {
    super::runtime()?.block_on(serve(arguments, printer))
}

async fn serve(arguments: Arguments, printer: Printer) -> Result<Exit, CommandError> {
    let settings = settings(arguments)?;
    let signals = Signals::listen(printer);
    let running = Emulator::start(settings).await.map_err(|error| {
        CommandError::new(format!("cannot start the emulator: {}", chain(&error)))
    })?;
    let mut requests = running.watch();
    printer.generated(&format!(
        "# The emulator's API is {}\n{}# Set the key, and put this into purgit.yaml:\n{}",
        running.api_url(),
        running
            .edge_url()
            .map(|url| format!("# The edge is {url}\n"))
            .unwrap_or_default(),
        Settings::exports()
            .lines()
            .map(|line| format!("#   {line}\n"))
            .collect::<String>(),
    ));
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

fn settings(arguments: Arguments) -> Result<Settings, CommandError> {
    let edge_listen = arguments.edge_listen;
    let edge = arguments.origin.as_deref().map(origin).transpose()?;
    let mut settings = Settings {
        listen: arguments.listen,
        latency: arguments.latency,
        signing: SigningRules {
            window: arguments.window,
            rfc3339_dates: !arguments.strict,
            ..SigningRules::default()
        },
        items: ItemRules {
            per_request: arguments.items_per_request,
            directory_slash: arguments.strict,
        },
        limits: Limits {
            files_per_day: arguments.files_per_day,
            directories_per_day: arguments.directories_per_day,
            requests_per_second: arguments.requests_per_second,
            ..Limits::default()
        },
        faults: arguments.faults,
        edge: edge.map(|origin| EdgeSettings {
            listen: edge_listen,
            ..EdgeSettings::new(origin)
        }),
        ..Settings::default()
    };
    if !arguments.hosts.is_empty() {
        let hosts: Vec<_> = arguments.hosts.iter().map(String::as_str).collect();
        settings.account.set_hosts(&hosts);
    }
    Ok(settings)
}

/// A folder, or a URL where it looks like one.
fn origin(text: &str) -> Result<Origin, CommandError> {
    if !text.contains("://") {
        return Ok(Origin::Folder(text.into()));
    }
    let url = text
        .parse()
        .map_err(|error| CommandError::new(format!("`{text}`: {error}")))?;
    Ok(Origin::Url(url))
}

/// One request, for the screen.
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
        line.push_str(&format!(", {}", count(request.items, "URL")));
    }
    if let (Some(error), message) = (request.error, request.message.as_deref()) {
        line.push_str(&format!(", {error}: {}", message.unwrap_or_default()));
    }
    for fault in &request.faults {
        line.push_str(&format!(", fault {fault}"));
    }
    line
}
