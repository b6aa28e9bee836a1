//! What was approved before `apply`: a saved plan, or a plan's id.

use chrono::{DateTime, Utc};
use clap::ValueEnum as _;

use super::args::{Apply, Extent, Forcing, Selecting};
use super::{CommandError, plan_file};
use crate::exit::Exit;
use crate::manifest::resource::{Endpoint, Project};
use crate::output::PlanReport;
use crate::output::json::compare;
use crate::output::json::v1::{self, Arguments, PlanDocument};
use crate::plan::Plan;
use crate::plan::id::Expected;
use crate::reconcile::Inquiry;
use crate::state::State;

/// The approved plan. By default there is none, and every plan may run.
#[derive(Debug, Default)]
pub(super) struct Approved {
    expected: Option<Expected>,
    saved: Option<PlanDocument>,
}

impl Approved {
    /// Reads the options of `apply`; a saved plan sets those that affect the plan.
    ///
    /// # Errors
    /// A file that is not a saved plan, or options that contradict it.
    pub(super) fn read(arguments: &mut Apply) -> Result<Self, CommandError> {
        let expected = arguments.expect_plan.take();
        let Some(path) = &arguments.plan else {
            return Ok(Self {
                expected,
                saved: None,
            });
        };
        let saved = plan_file::read(path)?;
        let Some(made_with) = &saved.arguments else {
            let message = format!("`{}` is a plan, but not a saved one", path.display());
            return Err(CommandError::new(message).hint("`purgit plan --out FILE` saves one"));
        };
        let typed = plan_options(&arguments.selecting, &arguments.running.forcing);
        check(&typed, made_with)?;
        let (selecting, forcing) = (&mut arguments.selecting, &mut arguments.running.forcing);
        selecting.since.clone_from(&made_with.since);
        selecting.to.clone_from(&made_with.to);
        selecting.targets.clone_from(&made_with.target);
        selecting.excludes.clone_from(&made_with.exclude);
        selecting.verify = made_with.verify.as_deref().map(extent).transpose()?;
        let forces = made_with.force.iter().map(|force| force.parse());
        forcing.forces = forces.collect::<Result<_, String>>().map_err(|error| {
            CommandError::new(format!("the plan in `{}`: {error}", path.display()))
        })?;
        Ok(Self {
            expected,
            saved: Some(saved),
        })
    }

    /// What to ask the edges before planning. A saved plan brings their answers along.
    pub(super) fn inquiry(&self, typed: Option<Extent>) -> Option<Inquiry> {
        let typed = typed?;
        Some(match &self.saved {
            Some(saved) => Inquiry::Approved(saved.looked()),
            None => typed.inquiry(),
        })
    }

    /// Whether a plan was approved, so that nobody needs to be asked.
    pub(super) fn is_any(&self) -> bool {
        self.expected.is_some() || self.saved.is_some()
    }

    pub(super) fn differences(
        &self,
        plan: &Plan,
        project: &Project,
        now: DateTime<Utc>,
    ) -> Vec<String> {
        let expected = self
            .expected
            .iter()
            .filter(|expected| !expected.is(&plan.id));
        let mut found: Vec<_> = expected
            .map(|expected| format!("plan id: {expected} was approved, now {}", plan.id))
            .collect();
        found.extend(self.saved.iter().flat_map(|saved| {
            let then = saved.timestamp.parse::<DateTime<Utc>>();
            // Others may spend these quotas too, and the CDN reports what is left.
            let is_reported = |endpoint: &str| {
                let endpoint = project.endpoints.get(endpoint);
                endpoint.is_some_and(|endpoint| endpoint.provider.quotas().is_some())
            };
            let has_turned = |endpoint: &str, kind: &str| {
                let budgets = project.endpoints.get(endpoint).map(Endpoint::budgets);
                let mut budgets = budgets.into_iter().flatten();
                budgets.any(|budget| {
                    let period = |at| budget.period(at).map(|(from, _)| from);
                    budget.counts.word() == kind
                        && then.is_ok_and(|then| period(then) != period(now))
                        || is_reported(endpoint)
                })
            };
            let current = v1::plan(PlanReport {
                plan,
                timestamp: now,
            });
            compare::differences(saved, &current, has_turned)
        }));
        found
    }

    pub(super) fn hints(&self, plan: Option<&Plan>, state: Option<&State>) -> Vec<String> {
        let (saved, expected) = (self.saved.as_ref(), self.expected.as_ref());
        let is_approved = |id: &str| {
            saved.is_some_and(|saved| saved.plan_id == id)
                || expected.is_some_and(|expected| expected.is(id))
        };
        let mut runs = state.iter().flat_map(|state| state.history.iter().rev());
        let applied = runs.find(|run| is_approved(&run.plan_id)).map(|run| {
            let at = run.at.format("%Y-%m-%d %H:%M:%SZ");
            format!(
                "that plan was applied at {at}, with exit code {}",
                run.exit_code
            )
        });
        let mut hints: Vec<_> = applied.into_iter().collect();
        let git = plan.and_then(|plan| plan.base.git.as_ref());
        if git.is_some_and(|git| git.dirty) {
            hints.push(
                "the work tree has uncommitted changes, which are part of the plan".to_owned(),
            );
        }
        if self.saved.is_none() && hints.is_empty() {
            let message = "manifests, content, the state or the revisions compared are others than \
                           when the plan was approved, or the options are";
            hints.push(message.to_owned());
        }
        hints.push(match plan.is_some_and(Plan::is_empty) {
            true => "there is nothing to purge now".to_owned(),
            false => "review the current plan, and approve that".to_owned(),
        });
        hints
    }

    /// What to do if an approved plan is refused.
    pub(super) fn refused(&self) -> Option<&'static str> {
        let saved = self.saved.as_ref();
        saved.map(|_| "`--force` is part of a saved plan: give it to `purgit plan --out`")
    }

    /// The version that saved the plan, if it is another one.
    pub(super) fn other_version(&self) -> Option<&str> {
        let version = self.saved.as_ref().map(|saved| &*saved.tool_version);
        version.filter(|version| *version != env!("CARGO_PKG_VERSION"))
    }
}

/// The options that affect the plan, to be saved with it.
pub(super) fn plan_options(selecting: &Selecting, forcing: &Forcing) -> Arguments {
    Arguments {
        since: selecting.since.clone(),
        to: selecting.to.clone(),
        verify: selecting.verify.map(|extent| extent.as_str().to_owned()),
        target: selecting.targets.clone(),
        exclude: selecting.excludes.clone(),
        force: forcing.forces.iter().map(ToString::to_string).collect(),
    }
}

fn extent(text: &str) -> Result<Extent, CommandError> {
    Extent::from_str(text, false).map_err(|_| {
        CommandError::new(format!("the plan was saved with `--verify={text}`"))
            .hint("use a purgit of the version that saved it")
    })
}

/// Options given with a saved plan must equal those it was made with.
fn check(typed: &Arguments, made_with: &Arguments) -> Result<(), CommandError> {
    let one = |value: &Option<String>| value.iter().cloned().collect::<Vec<_>>();
    let options = [
        ("--since", one(&typed.since), one(&made_with.since)),
        ("--to", one(&typed.to), one(&made_with.to)),
        ("--verify", one(&typed.verify), one(&made_with.verify)),
        ("--target", typed.target.clone(), made_with.target.clone()),
        (
            "--exclude",
            typed.exclude.clone(),
            made_with.exclude.clone(),
        ),
        ("--force", typed.force.clone(), made_with.force.clone()),
    ];
    for (option, mut typed, mut made_with) in options {
        typed.sort_unstable();
        made_with.sort_unstable();
        if !typed.is_empty() && typed != made_with {
            let made_with = match &*made_with {
                [] => format!("without `{option}`"),
                values => format!("with `{option}={}`", values.join(",")),
            };
            let typed = typed.join(",");
            let message = format!(
                "`{option}={typed}` contradicts the saved plan, which was made {made_with}"
            );
            let error = CommandError::new(message).exit(Exit::Usage);
            return Err(error.hint(format!("leave `{option}` out, or save another plan")));
        }
    }
    Ok(())
}
