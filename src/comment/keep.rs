//! Keeping the comment: looks at what is there, writes what was decided, tries again within bounds.

use std::time::Duration;

use thiserror::Error;

use super::refusal::Kind;
use super::{Comment, Forge, MAX_PAGES, Marker, Outcome, Refusal, Wanted, Write, is_followed};
use crate::error::chain;
use crate::secret::Redactor;
use crate::transport::exchange::exchange;
use crate::transport::retry::{self, GiveUp, Retries, RetryClass, RetryPolicy};
use crate::transport::{Request, Response, Transport, TransportError};

/// Headers with the forge's id of a request, for its support.
const REQUEST_IDS: [&str; 2] = ["x-github-request-id", "x-request-id"];

/// Keeps our comment.
pub struct Keeper<'a> {
    /// Where.
    pub forge: &'a dyn Forge,
    /// The door to the network.
    pub transport: &'a dyn Transport,
    /// Of the delays between attempts; jobs that run at once need different ones.
    pub seed: u64,
    /// Is told why and how long is waited before another attempt.
    pub waiting: &'a (dyn Fn(&str, Duration) + Sync),
}

/// Why the comment could not be kept.
#[derive(Debug, Error)]
#[error("{forge}: cannot {task}{}", patience(*.reason))]
pub struct CommentError {
    /// What people call the forge.
    pub forge: &'static str,
    /// What was to be done.
    pub task: String,
    /// Why it was not tried again.
    pub reason: GiveUp,
    /// What came of the last attempt.
    #[source]
    pub source: CallError,
}

/// Why a request brought nothing.
#[derive(Debug, Error)]
pub enum CallError {
    /// The forge answered.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// No whole answer came back.
    #[error(transparent)]
    Unanswered(#[from] TransportError),
    /// Nobody reads so many.
    #[error("there are more than {MAX_PAGES} pages of them")]
    TooMany,
}

impl CallError {
    /// Of which kind a refusal is.
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Self::Refused(refusal) => Some(refusal.kind),
            Self::Unanswered(_) | Self::TooMany => None,
        }
    }

    fn retry(&self) -> (RetryClass, Option<Duration>) {
        match self {
            Self::Refused(refusal) => (refusal.kind.retry(), refusal.retry_after),
            Self::Unanswered(error) => (retry::class(error.kind), None),
            Self::TooMany => (RetryClass::Never, None),
        }
    }
}

fn patience(reason: GiveUp) -> String {
    match reason {
        GiveUp::Hopeless => String::new(),
        GiveUp::Exhausted { .. } | GiveUp::AskedTooLong { .. } => format!("; {reason}"),
    }
}

impl Keeper<'_> {
    /// Makes our comment what is wanted.
    ///
    /// # Errors
    /// The forge does not know the token or the place, or does not answer as it should. That the token
    /// may not write is none: see [`Outcome::ReadOnly`].
    pub async fn keep(&self, wanted: &Wanted) -> Result<Outcome, CommentError> {
        match self.look_and_write(wanted).await {
            Err(CommentError {
                source: CallError::Refused(refusal),
                ..
            }) if refusal.kind == Kind::Forbidden => Ok(Outcome::ReadOnly(refusal)),
            done => done,
        }
    }

    /// A write that failed is not repeated blindly: it may have been carried out, so what is there
    /// decides anew.
    async fn look_and_write(&self, wanted: &Wanted) -> Result<Outcome, CommentError> {
        let me = self.owner().await?;
        let body = wanted.body();
        let mut retries = RetryPolicy::default().retries(self.seed);
        let (mut created, mut missed) = (false, false);
        'look: loop {
            let decision = wanted.decide(&me, &self.comments().await?);
            for write in decision.writes {
                let (task, request) = match write {
                    Write::Create => ("write a comment", self.forge.create(&body)),
                    Write::Update(id) => ("update the comment", self.forge.update(id, &body)),
                    Write::Delete(id) => ("delete the comment", self.forge.delete(id)),
                };
                created |= write == Write::Create;
                let done = |answer: &Response| Refusal::check(answer).map(|_| ());
                let Err(error) = self.send(request, done).await else {
                    continue;
                };
                match (error, write) {
                    (CallError::Refused(refusal), _) if refusal.kind == Kind::NotFound => {
                        match write {
                            // Somebody was faster.
                            Write::Delete(_) => {}
                            Write::Update(_) if !missed => {
                                missed = true;
                                continue 'look;
                            }
                            // So does a forge put it that we may not write.
                            Write::Update(_) | Write::Create => {
                                return Ok(Outcome::ReadOnly(refusal));
                            }
                        }
                    }
                    (error, _) => {
                        self.wait(task, error, &mut retries).await?;
                        continue 'look;
                    }
                }
            }
            return Ok(match decision.outcome {
                // It was written, and only the answer was lost.
                Outcome::Unchanged if created => Outcome::Created,
                outcome => outcome,
            });
        }
    }

    /// The number of the request that was merged as just this commit.
    ///
    /// # Errors
    /// The forge does not know the token or the commit, or does not answer as it should.
    pub async fn merged_as(&self, commit: &str) -> Result<Option<u64>, CommentError> {
        let task = format!("ask of which request commit {commit} is");
        let read = |answer: &Response| self.forge.merged_as(commit, answer);
        self.ask(&task, &self.forge.origins(commit), read).await
    }

    /// The text of our comment, with its marker.
    ///
    /// # Errors
    /// The forge does not know the token or the place, or does not answer as it should.
    pub async fn find(&self, marker: &Marker) -> Result<Option<String>, CommentError> {
        let (me, comments) = (self.owner().await?, self.comments().await?);
        let ours = marker.ours(&me, &comments);
        Ok(ours.first().map(|comment| comment.body.clone()))
    }

    async fn owner(&self) -> Result<String, CommentError> {
        let owner = |answer: &Response| self.forge.owner(answer);
        let task = "ask whose the token is";
        self.ask(task, &self.forge.whoami(), owner).await
    }

    async fn comments(&self) -> Result<Vec<Comment>, CommentError> {
        let task = "list the comments";
        let mut comments = Vec::new();
        for page in 1..=MAX_PAGES {
            let read = |answer: &Response| {
                let listed = self.forge.listed(answer)?;
                Ok((is_followed(answer, listed.len()), listed))
            };
            let (more, listed) = self.ask(task, &self.forge.list(page), read).await?;
            comments.extend(listed);
            if !more {
                return Ok(comments);
            }
        }
        Err(self.failed(task, CallError::TooMany, GiveUp::Hopeless))
    }

    /// Sends a question until there is an answer.
    async fn ask<T>(
        &self,
        task: &str,
        request: &Request,
        read: impl Fn(&Response) -> Result<T, Refusal>,
    ) -> Result<T, CommentError> {
        let mut retries = RetryPolicy::default().retries(self.seed);
        loop {
            match self.send(request.clone(), &read).await {
                Ok(answer) => return Ok(answer),
                Err(error) => self.wait(task, error, &mut retries).await?,
            }
        }
    }

    async fn send<T>(
        &self,
        request: Request,
        read: impl Fn(&Response) -> Result<T, Refusal>,
    ) -> Result<T, CallError> {
        let redactor = Redactor::new([self.forge.token()]);
        let id = |response: &Response| {
            let mut ids = REQUEST_IDS.iter().filter_map(|name| response.header(name));
            ids.next().map(|id| redactor.redact(id))
        };
        let response = exchange(self.transport, request, None, None, id).await;
        let response = response.map_err(|error| error.redacted(&redactor))?;
        Ok(read(&response).map_err(|refusal| refusal.redacted(&redactor))?)
    }

    /// Waits before another attempt.
    ///
    /// # Errors
    /// There is none.
    async fn wait(
        &self,
        task: &str,
        error: CallError,
        retries: &mut Retries,
    ) -> Result<(), CommentError> {
        let (class, asked) = error.retry();
        match retries.next(class, asked) {
            Ok(delay) => {
                (self.waiting)(&chain(&error), delay);
                tokio::time::sleep(delay).await;
                Ok(())
            }
            Err(reason) => Err(self.failed(task, error, reason)),
        }
    }

    fn failed(&self, task: &str, source: CallError, reason: GiveUp) -> CommentError {
        CommentError {
            forge: self.forge.name(),
            task: format!("{task} ({})", self.forge.place()),
            reason,
            source,
        }
    }
}
