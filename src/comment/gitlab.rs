//! GitLab, also self-hosted: comments of merge requests are notes.

use serde::Deserialize;
use serde_json::json;

use super::{Comment, Forge, PER_PAGE, Refusal, encoded};
use crate::secret::Secret;
use crate::transport::{HeaderValue, Method, Request, Response};

#[derive(Debug, Clone)]
pub struct GitLab {
    /// `https://HOST/api/v4`.
    pub api: String,
    /// Id or path of the merge request's project.
    pub project: String,
    /// Of the merge request, within its project; 0 if unknown.
    pub number: u64,
    /// Of the project, a group or a person.
    pub token: Secret,
}

#[derive(Deserialize)]
struct User {
    /// Unlike the name, it never changes.
    id: u64,
}

#[derive(Deserialize)]
struct Origin {
    iid: u64,
    state: String,
    /// The branch's head, which is what a fast-forward merge puts on the target.
    sha: Option<String>,
    merge_commit_sha: Option<String>,
    squash_commit_sha: Option<String>,
}

#[derive(Deserialize)]
struct Note {
    id: u64,
    body: String,
    author: Option<User>,
    /// Written by GitLab itself, e.g. about a push.
    #[serde(default)]
    system: bool,
}

impl GitLab {
    fn request(&self, method: Method, path: &str, body: Option<&str>) -> Request {
        let mut headers = vec![
            ("accept", "application/json".into()),
            ("private-token", HeaderValue::secret(self.token.expose())),
        ];
        if body.is_some() {
            headers.push(("content-type", "application/json".into()));
        }
        let body = body.map(|body| json!({ "body": body }).to_string());
        Request {
            method,
            url: format!("{}{path}", self.api.trim_end_matches('/')),
            headers,
            body: body.unwrap_or_default().into_bytes(),
        }
    }

    fn notes(&self) -> String {
        let project = encoded(&self.project);
        format!("/projects/{project}/merge_requests/{}/notes", self.number)
    }

    fn note(&self, id: u64) -> String {
        format!("{}/{id}", self.notes())
    }
}

impl Forge for GitLab {
    fn name(&self) -> &'static str {
        "GitLab"
    }

    fn place(&self) -> String {
        match self.number {
            0 => self.project.clone(),
            number => format!("merge request {number} of {}", self.project),
        }
    }

    fn permission(&self) -> &'static str {
        "set `GITLAB_TOKEN` to a project access token with the scope `api` and the role Reporter or higher"
    }

    fn max_chars(&self) -> usize {
        1_000_000
    }

    fn token(&self) -> &Secret {
        &self.token
    }

    fn whoami(&self) -> Request {
        self.request(Method::Get, "/user", None)
    }

    fn owner(&self, response: &Response) -> Result<String, Refusal> {
        let user: User = Refusal::read(response)?;
        Ok(user.id.to_string())
    }

    fn list(&self, page: usize) -> Request {
        let notes = self.notes();
        let query = format!("?sort=asc&order_by=created_at&per_page={PER_PAGE}&page={page}");
        self.request(Method::Get, &(notes + &query), None)
    }

    fn listed(&self, response: &Response) -> Result<Vec<Comment>, Refusal> {
        let notes: Vec<Note> = Refusal::read(response)?;
        let comment = |note: Note| Comment {
            id: note.id,
            // GitLab's own notes have no author.
            author: match note.author {
                Some(author) if !note.system => author.id.to_string(),
                Some(_) | None => String::new(),
            },
            body: note.body,
        };
        Ok(notes.into_iter().map(comment).collect())
    }

    fn create(&self, body: &str) -> Request {
        self.request(Method::Post, &self.notes(), Some(body))
    }

    fn update(&self, id: u64, body: &str) -> Request {
        self.request(Method::Put, &self.note(id), Some(body))
    }

    fn delete(&self, id: u64) -> Request {
        self.request(Method::Delete, &self.note(id), None)
    }

    fn origins(&self, commit: &str) -> Request {
        let (project, commit) = (encoded(&self.project), encoded(commit));
        let path = format!("/projects/{project}/repository/commits/{commit}/merge_requests");
        self.request(Method::Get, &path, None)
    }

    fn merged_as(&self, commit: &str, response: &Response) -> Result<Option<u64>, Refusal> {
        let origins: Vec<Origin> = Refusal::read(response)?;
        let is_merged = |origin: &&Origin| {
            let ids = [
                &origin.merge_commit_sha,
                &origin.squash_commit_sha,
                &origin.sha,
            ];
            origin.state == "merged" && ids.into_iter().any(|id| id.as_deref() == Some(commit))
        };
        Ok(origins.iter().find(is_merged).map(|origin| origin.iid))
    }

    fn of(&self, number: u64) -> Box<dyn Forge> {
        Box::new(Self {
            number,
            ..self.clone()
        })
    }
}
