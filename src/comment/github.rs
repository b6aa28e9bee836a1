//! GitHub and GitHub Enterprise: comments of pull requests are issue comments.

use serde::Deserialize;
use serde_json::json;

use super::refusal::Kind;
use super::{Comment, Forge, PER_PAGE, Refusal, encoded};
use crate::secret::Secret;
use crate::transport::{HeaderValue, Method, Request, Response};

const VERSION: &str = "2022-11-28";

#[derive(Debug, Clone)]
pub struct GitHub {
    /// `https://api.github.com`, or `https://HOST/api/v3`.
    pub api: String,
    /// `OWNER/NAME`.
    pub repository: String,
    /// Of the pull request; 0 if unknown.
    pub number: u64,
    /// Of a workflow (`GITHUB_TOKEN`), an app or a person.
    pub token: Secret,
}

#[derive(Deserialize)]
struct Viewer {
    data: Option<ViewerData>,
    #[serde(default)]
    errors: Vec<GraphError>,
}

#[derive(Deserialize)]
struct ViewerData {
    viewer: User,
}

#[derive(Deserialize)]
struct GraphError {
    #[serde(default)]
    r#type: String,
    message: String,
}

#[derive(Deserialize)]
struct User {
    login: String,
}

#[derive(Deserialize)]
struct Origin {
    number: u64,
    merged_at: Option<String>,
    merge_commit_sha: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    id: u64,
    /// `None` for a deleted account.
    user: Option<User>,
    body: Option<String>,
}

impl GitHub {
    fn request(&self, method: Method, url: String, body: Option<&serde_json::Value>) -> Request {
        let authorization = HeaderValue::secret(format!("Bearer {}", self.token.expose()));
        let mut headers = vec![
            ("accept", "application/vnd.github+json".into()),
            ("authorization", authorization),
            ("x-github-api-version", VERSION.into()),
        ];
        if body.is_some() {
            headers.push(("content-type", "application/json".into()));
        }
        Request {
            method,
            url,
            headers,
            body: body.map_or_else(Vec::new, |body| body.to_string().into_bytes()),
        }
    }

    fn repository(&self) -> String {
        let repository: Vec<_> = self.repository.split('/').map(encoded).collect();
        let api = self.api.trim_end_matches('/');
        format!("{api}/repos/{}", repository.join("/"))
    }

    fn comments(&self) -> String {
        format!("{}/issues/{}/comments", self.repository(), self.number)
    }

    fn comment(&self, id: u64) -> String {
        format!("{}/issues/comments/{id}", self.repository())
    }
}

impl Forge for GitHub {
    fn name(&self) -> &'static str {
        "GitHub"
    }

    fn place(&self) -> String {
        match self.number {
            0 => self.repository.clone(),
            number => format!("pull request {number} of {}", self.repository),
        }
    }

    fn permission(&self) -> &'static str {
        "give the job `permissions: { pull-requests: write }`; a pull request from a fork gets no token that may write"
    }

    fn max_chars(&self) -> usize {
        65_536
    }

    fn token(&self) -> &Secret {
        &self.token
    }

    /// GraphQL, because REST's `/user` does not accept tokens of workflows and apps, and an app's login is
    /// not always `github-actions[bot]`.
    fn whoami(&self) -> Request {
        let api = self.api.trim_end_matches('/');
        let base = api.strip_suffix("/v3").unwrap_or(api);
        let query = json!({ "query": "query { viewer { login } }" });
        self.request(Method::Post, format!("{base}/graphql"), Some(&query))
    }

    fn owner(&self, response: &Response) -> Result<String, Refusal> {
        let answer: Viewer = Refusal::read(response)?;
        if let Some(data) = answer.data {
            return Ok(data.viewer.login);
        }
        let error = answer.errors.into_iter().next();
        let (kind, message) = match error {
            Some(error) if error.r#type == "RATE_LIMITED" => (Kind::Throttled, error.message),
            Some(error) => (Kind::Forbidden, error.message),
            None => (Kind::Fault, String::new()),
        };
        let message = crate::provider::excerpt::excerpt(&message);
        Err(Refusal::of(
            kind,
            format!("GitHub does not say who owns the token: {message}"),
        ))
    }

    fn list(&self, page: usize) -> Request {
        let url = format!("{}?per_page={PER_PAGE}&page={page}", self.comments());
        self.request(Method::Get, url, None)
    }

    fn listed(&self, response: &Response) -> Result<Vec<Comment>, Refusal> {
        let entries: Vec<Entry> = Refusal::read(response)?;
        let comment = |entry: Entry| Comment {
            id: entry.id,
            author: entry.user.map(|user| user.login).unwrap_or_default(),
            body: entry.body.unwrap_or_default(),
        };
        Ok(entries.into_iter().map(comment).collect())
    }

    fn create(&self, body: &str) -> Request {
        let body = json!({ "body": body });
        self.request(Method::Post, self.comments(), Some(&body))
    }

    fn update(&self, id: u64, body: &str) -> Request {
        let body = json!({ "body": body });
        self.request(Method::Patch, self.comment(id), Some(&body))
    }

    fn delete(&self, id: u64) -> Request {
        self.request(Method::Delete, self.comment(id), None)
    }

    fn origins(&self, commit: &str) -> Request {
        let url = format!("{}/commits/{}/pulls", self.repository(), encoded(commit));
        self.request(Method::Get, url, None)
    }

    fn merged_as(&self, commit: &str, response: &Response) -> Result<Option<u64>, Refusal> {
        let origins: Vec<Origin> = Refusal::read(response)?;
        let is_merged = |origin: &&Origin| {
            origin.merged_at.is_some() && origin.merge_commit_sha.as_deref() == Some(commit)
        };
        Ok(origins.iter().find(is_merged).map(|origin| origin.number))
    }

    fn of(&self, number: u64) -> Box<dyn Forge> {
        Box::new(Self {
            number,
            ..self.clone()
        })
    }
}
