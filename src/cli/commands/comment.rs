//! `purgit comment`

mod approved;

use std::time::Duration;

use crate::cli::args::Comment;
use crate::cli::ci::{Context, System};
use crate::cli::sides::{self, Listed};
use crate::cli::{CommandError, Printer, channels, environment, plan_file, project};
use crate::clock::{Clock as _, SystemClock};
use crate::comment::github::GitHub;
use crate::comment::gitlab::GitLab;
use crate::comment::{CallError, CommentError, Forge, Keeper, Kind, Marker, Outcome, Wanted};
use crate::exit::Exit;
use crate::output::PlanReport;
use crate::output::json::v1::{self, PlanDocument};
use crate::output::markdown::{self, Limit};
use crate::plan::select::Selection;
use crate::reconcile;
use crate::transport::http::HttpTransport;
use crate::workspace::history::Background;

/// Precedes a plan that could not be posted as a comment.
const NOTICE: &str =
    "> Shown here instead of in a comment, because this run's token may not write comments.\n\n";

pub(super) fn run(arguments: &Comment, printer: Printer) -> Result<Exit, CommandError> {
    let context = environment::ci();
    let number = match context.pull_request {
        // The number is found by the commit.
        None if arguments.print_plan_id => 0,
        number => number.ok_or_else(no_request)?,
    };
    let forge = forge(&context, number)?;
    let opened = project::open(printer)?;
    let marker = Marker::new(&opened.project.name, arguments.environment.as_deref());
    if arguments.print_plan_id {
        return approved::run(forge, &context, &marker, printer);
    }
    let document = match &arguments.plan_file {
        Some(path) => plan_file::read(path)?,
        None => planned(sides::on_disk(opened, printer)?, printer)?,
    };
    let Some(forge) = forge else {
        printer
            .warning("no comment was written, because pipelines of forks have no `GITLAB_TOKEN`");
        show(&document, &context, printer);
        return Ok(Exit::Done);
    };
    let room = forge.max_chars() - marker.chars();
    let wanted = Wanted {
        text: markdown::plan(&document, Limit::Characters(room)),
        nothing_to_say: document.is_idle().then_some(arguments.on_no_changes),
        marker,
    };
    let client = Client::new(printer);
    let outcome = super::runtime()?.block_on(client.keeper(&*forge).keep(&wanted))?;
    let place = forge.place();
    printer.line(&match outcome {
        Outcome::Created => format!("Wrote a comment on {place}"),
        Outcome::Updated => format!("Updated the comment on {place}"),
        Outcome::Unchanged => format!("Left the comment on {place} as it is"),
        Outcome::Deleted => format!("Deleted the comment on {place}"),
        Outcome::Absent => format!("Nothing to say, so no comment on {place}"),
        Outcome::ReadOnly(refusal) => {
            let problem = format!("the token may not comment on {place}: {refusal}");
            printer.notice(&problem, forge.permission());
            show(&document, &context, printer);
            return Ok(Exit::Done);
        }
    });
    Ok(Exit::Done)
}

/// Called with the reason and the duration before each wait.
type Waiting = Box<dyn Fn(&str, Duration) + Sync>;

/// Sends requests to a forge.
struct Client {
    transport: HttpTransport,
    waiting: Waiting,
}

impl Client {
    fn new(printer: Printer) -> Self {
        Self {
            transport: HttpTransport::default(),
            waiting: Box::new(move |reason, delay| {
                let seconds = delay.as_secs_f32();
                printer.note(&format!("{reason}; trying again in {seconds:.1} s"));
            }),
        }
    }

    fn keeper<'a>(&'a self, forge: &'a dyn Forge) -> Keeper<'a> {
        Keeper {
            forge,
            transport: &self.transport,
            seed: u64::from(SystemClock.now().timestamp_subsec_nanos() ^ std::process::id()),
            waiting: &*self.waiting,
        }
    }
}

fn no_request() -> CommandError {
    let error = CommandError::new("this run belongs to no known pull or merge request");
    error.hint(
        "run it where CI builds pull requests (`on: pull_request`, `merge_request_event`); elsewhere, \
         `purgit plan --format markdown` prints the same text",
    )
}

/// The forge to comment on. `None` in a fork's pipeline, which does not see the project's variables.
fn forge(context: &Context, number: u64) -> Result<Option<Box<dyn Forge>>, CommandError> {
    let variables = context.system.token_variables();
    let token = variables
        .iter()
        .find_map(|name| Some((*name, environment::secret(name)?)));
    let repository = context.repository.clone().ok_or_else(no_request)?;
    let Some((name, token)) = token else {
        // The merge request belongs to another project than the pipeline.
        let target = environment::text(environment::GITLAB_TARGET);
        if context.system == System::GitlabCi && target.is_some_and(|target| target != repository) {
            return Ok(None);
        }
        let error = CommandError::new(format!(
            "no token to comment with: `{}` is not set",
            variables[0]
        ));
        return Err(error.exit(Exit::Credentials).hint(match context.system {
            System::GithubActions => "give the step `env: { GITHUB_TOKEN: \"${{ github.token }}\" }`, and the job `permissions: { pull-requests: write }`",
            System::GitlabCi => "create a project access token with the scope `api`, and set it as a masked variable of the project; a job's own token may not comment",
            System::AzurePipelines | System::Jenkins | System::Other | System::None => "set `GITHUB_TOKEN` or `GITLAB_TOKEN`",
        }));
    };
    let api = |name, default: &str| environment::text(name).unwrap_or_else(|| default.to_owned());
    Ok(Some(match name == environment::GITLAB_TOKEN {
        true => Box::new(GitLab {
            api: api(environment::GITLAB_API, "https://gitlab.com/api/v4"),
            project: environment::text(environment::GITLAB_TARGET).unwrap_or(repository),
            number,
            token,
        }),
        false => Box::new(GitHub {
            api: api(environment::GITHUB_API, "https://api.github.com"),
            repository,
            number,
            token,
        }),
    }))
}

fn planned(listed: Listed, printer: Printer) -> Result<PlanDocument, CommandError> {
    let Listed {
        opened,
        views,
        sides,
    } = listed;
    let (project, selection) = (&opened.project, Selection::default());
    let timestamp = SystemClock.now();
    let detail = reconcile::detail(&selection);
    let (view, both) = reconcile::look(project, &views, &sides, detail, timestamp)?;
    sides::warn(&both.notes, printer);
    let plan = reconcile::plan(
        project,
        &opened.digest,
        &both,
        &view,
        &selection,
        &[],
        timestamp,
    )?;
    let plan = &plan;
    let applied = view.state.last_applied.as_deref();
    let background = Background::of(plan, project, &opened.root, sides.is_on_disk(), applied);
    Ok(v1::plan(PlanReport { plan, timestamp }).with(&background))
}

/// Shows the plan without a comment: in the step's summary, or on stdout.
fn show(document: &PlanDocument, context: &Context, printer: Printer) {
    let Some(path) = &context.summary else {
        printer.generated(&markdown::plan(document, Limit::COMMENT));
        return;
    };
    let text = |limit: Limit| NOTICE.to_owned() + &markdown::plan(document, limit.less(NOTICE));
    match channels::summarise(path, text) {
        Ok(()) => printer.note("the plan is in the step's summary"),
        Err(error) => {
            let path = path.display();
            printer.warning(&format!(
                "cannot write the step's summary to `{path}`: {error}"
            ));
        }
    }
}

impl From<CommentError> for CommandError {
    fn from(error: CommentError) -> Self {
        let report = Self::from_error(&error);
        match &error.source {
            CallError::Refused(refusal) => match refusal.kind {
                Kind::Unauthorized => report.exit(Exit::Credentials).hint("check the token: it may have expired, or belong to another server"),
                Kind::NotFound => report.hint("check that the token may see the repository, and that the request exists"),
                Kind::Throttled => report.hint("run it again later; purges do not depend on it"),
                Kind::Fault | Kind::Forbidden | Kind::Other => report.hint(
                    "run it again when the API works; purges do not depend on it",
                ),
            },
            CallError::Unanswered(_) => report.hint(
                "check the network, `HTTPS_PROXY`, and the API's URL in `GITHUB_API_URL` or `CI_API_V4_URL`",
            ),
            CallError::TooMany => report,
        }
    }
}
