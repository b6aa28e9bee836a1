//! `purgit comment --print-plan-id`: the reviewed plan, for `apply --expect-plan`.

use super::Client;
use crate::cli::ci::Context;
use crate::cli::{CommandError, Printer};
use crate::comment::{CommentError, Forge, Marker};
use crate::exit::Exit;
use crate::output::markdown;

/// Why there is no plan to apply.
enum Missing {
    /// No request was merged as the commit.
    Request,
    Comment(String),
    /// There was nothing to purge.
    Plan(String),
}

pub(super) fn run(
    forge: Option<Box<dyn Forge>>,
    context: &Context,
    marker: &Marker,
    printer: Printer,
) -> Result<Exit, CommandError> {
    let commit = context.commit.as_deref().unwrap_or_default();
    let client = Client::new(printer);
    let found = async {
        let Some(forge) = forge else {
            return Ok(Err(Missing::Request));
        };
        let forge = match context.pull_request {
            Some(_) => forge,
            None => match client.keeper(&*forge).merged_as(commit).await? {
                Some(number) => forge.of(number),
                None => return Ok(Err(Missing::Request)),
            },
        };
        let place = forge.place();
        let Some(text) = client.keeper(&*forge).find(marker).await? else {
            return Ok(Err(Missing::Comment(place)));
        };
        let id = markdown::plan_id(&text).map(str::to_owned);
        Ok::<_, CommentError>(id.ok_or(Missing::Plan(place)))
    };
    let missing = match super::super::runtime()?.block_on(found)? {
        Ok(id) => {
            printer.line(&id);
            return Ok(Exit::Done);
        }
        Err(missing) => missing,
    };
    let why = match missing {
        Missing::Request => format!("no request was merged as commit {commit}"),
        Missing::Comment(place) => format!("there is no comment of this project on {place}"),
        Missing::Plan(place) => {
            format!("the comment on {place} says that there was nothing to purge")
        }
    };
    let error = CommandError::new(format!("no plan was approved: {why}"));
    Err(error.hint("review `purgit plan`, and approve it: `purgit apply --expect-plan ID`"))
}
