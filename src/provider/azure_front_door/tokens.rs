//! Exchanges credentials for a token of Azure Resource Manager.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::config::Credentials as Ways;
use super::errors::{self, DIALECT};
use super::{AzureFrontDoor, RENEWED_BEFORE};
use crate::credential::{CredentialRef, Credentials};
use crate::provider::{ApiError, Exchange, Granted, Token, json};
use crate::secret::Secret;
use crate::transport::{HeaderValue, Method, Request, Response};

const SECRET: &str = "secret";
const TOKEN: &str = "token";
const GITHUB_URL: &str = "the URL of GitHub's token service";
const GITHUB_TOKEN: &str = "the token for GitHub's token service";

/// How long a GitHub token is valid at least `[I]`; it is exchanged at once.
const JWT_SECONDS: i64 = 300;

/// Where a machine asks for its own identity's token `[O]`.
const METADATA_SERVICE: &str = "http://169.254.169.254";

#[derive(Debug)]
pub(super) struct Login {
    way: Way,
    references: Vec<(&'static str, CredentialRef)>,
}

#[derive(Debug)]
enum Way {
    Secret(App),
    Assertion(App),
    GitHub(App),
    Machine { client_id: Option<String> },
    Given,
}

#[derive(Debug)]
struct App {
    tenant_id: String,
    client_id: String,
}

impl Login {
    pub(super) fn new(ways: &Ways) -> Self {
        let app = |tenant_id: &str, client_id: &str| App {
            tenant_id: tenant_id.to_owned(),
            client_id: client_id.to_owned(),
        };
        let variable = |name: &str| CredentialRef::Env(name.to_owned());
        let (way, references) = match ways {
            Ways {
                client_secret: Some(of),
                ..
            } => (
                Way::Secret(app(&of.tenant_id, &of.client_id)),
                vec![(SECRET, of.secret.clone())],
            ),
            Ways {
                federated: Some(of),
                ..
            } => {
                let app = app(&of.tenant_id, &of.client_id);
                match &of.token {
                    Some(token) => (Way::Assertion(app), vec![(TOKEN, token.clone())]),
                    None => (
                        Way::GitHub(app),
                        vec![
                            (GITHUB_URL, variable("ACTIONS_ID_TOKEN_REQUEST_URL")),
                            (GITHUB_TOKEN, variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN")),
                        ],
                    ),
                }
            }
            Ways {
                managed_identity: Some(of),
                ..
            } => {
                let client_id = of.client_id.clone();
                (Way::Machine { client_id }, Vec::new())
            }
            Ways { token, .. } => {
                let token = token.iter().map(|token| (TOKEN, token.clone()));
                (Way::Given, token.collect())
            }
        };
        Self { way, references }
    }

    pub(super) fn references(&self) -> Vec<(&'static str, &CredentialRef)> {
        let references = self.references.iter();
        references.map(|(name, found)| (*name, found)).collect()
    }

    pub(super) fn identity(&self) -> Value {
        let of = |way: &str, app: &App| json!([way, app.tenant_id, app.client_id]);
        match &self.way {
            Way::Secret(app) => of("clientSecret", app),
            Way::Assertion(app) => of("federated", app),
            Way::GitHub(app) => of("github", app),
            Way::Machine { client_id } => json!(["managedIdentity", client_id]),
            Way::Given => json!(["token"]),
        }
    }

    pub(super) fn is_exchanged(&self) -> bool {
        !matches!(self.way, Way::Given)
    }
}

/// The token itself, or the text that `az` prints with `--output json` `[O]`.
pub(super) fn given(credentials: &Credentials) -> String {
    let text = credentials.get(TOKEN);
    let printed: Option<Value> = serde_json::from_str(text).ok();
    let token = printed.as_ref().and_then(|az| az["accessToken"].as_str());
    token.unwrap_or(text).to_owned()
}

impl Exchange for AzureFrontDoor {
    fn request(
        &self,
        credentials: &Credentials,
        given: Option<&Token>,
        _now: DateTime<Utc>,
    ) -> Request {
        let resource = format!("https://{}", self.config.cloud.arm_host());
        let login = |app: &App, proof: &[(&str, &str)]| Request {
            method: Method::Post,
            url: format!("{}/{}/oauth2/v2.0/token", self.login_url, app.tenant_id),
            headers: vec![("content-type", "application/x-www-form-urlencoded".into())],
            body: Serializer::new(String::new())
                .append_pair("client_id", &app.client_id)
                .append_pair("grant_type", "client_credentials")
                .append_pair("scope", &format!("{resource}/.default"))
                .extend_pairs(proof)
                .finish()
                .into_bytes(),
        };
        let assert = |app: &App, jwt: &str| {
            let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
            login(
                app,
                &[("client_assertion", jwt), ("client_assertion_type", kind)],
            )
        };
        let get = |url, headers| Request {
            method: Method::Get,
            url,
            headers,
            body: Vec::new(),
        };
        match (&self.login.way, given) {
            (Way::Secret(app), _) => login(app, &[("client_secret", credentials.get(SECRET))]),
            (Way::Assertion(app), _) => assert(app, credentials.get(TOKEN)),
            (Way::GitHub(app), Some(jwt)) => assert(app, jwt.value.expose()),
            (Way::GitHub(_), None) => {
                // The URL has a query already [D].
                let audience = Serializer::new(String::new())
                    .append_pair("audience", self.config.cloud.github_audience())
                    .finish();
                let token = credentials.get(GITHUB_TOKEN);
                let bearer = HeaderValue::secret(format!("Bearer {token}"));
                let url = format!("{}&{audience}", credentials.get(GITHUB_URL));
                get(url, vec![("authorization", bearer)])
            }
            (Way::Machine { client_id }, _) => {
                let mut query = Serializer::new(String::new());
                query.append_pair("api-version", "2018-02-01");
                query.append_pair("resource", &resource);
                query.extend_pairs(client_id.iter().map(|id| ("client_id", id)));
                // On this machine, another URL means an emulator.
                let base = match self.login_url.starts_with("http://") {
                    true => &self.login_url,
                    false => METADATA_SERVICE,
                };
                let query = query.finish();
                let url = format!("{base}/metadata/identity/oauth2/token?{query}");
                get(url, vec![("metadata", "true".into())])
            }
            // Used as it is.
            (Way::Given, _) => get(self.login_url.clone(), Vec::new()),
        }
    }

    fn token(
        &self,
        response: &Response,
        given: Option<&Token>,
        now: DateTime<Utc>,
    ) -> Result<Granted, ApiError> {
        let body = DIALECT.json(response)?;
        if response.status != 200 {
            return Err(errors::no_token(response, &body));
        }
        let unusable = || {
            let what = "the token service's answer has no token";
            DIALECT.unreadable(response, what, false)
        };
        let text = |name: &str| {
            let text = json::text(&body, name).filter(|text| !text.is_empty());
            text.ok_or_else(unusable)
        };
        if let (Way::GitHub(_), None) = (&self.login.way, given) {
            return Ok(Granted::Next(Token {
                value: Secret::new(text("value")?),
                expires_at: now + chrono::TimeDelta::seconds(JWT_SECONDS),
            }));
        }
        // The metadata service writes numbers as texts [O].
        let seconds = body.get("expires_in").and_then(|seconds| {
            let written = seconds.as_str().and_then(|text| text.parse().ok());
            seconds.as_u64().or(written)
        });
        let seconds = seconds.ok_or_else(unusable)?;
        let early = RENEWED_BEFORE.as_secs().min(seconds / 2);
        let lifetime = i64::try_from(seconds - early).unwrap_or(i64::MAX);
        let lifetime = chrono::TimeDelta::try_seconds(lifetime).ok_or_else(unusable)?;
        Ok(Granted::Token(Token {
            value: Secret::new(text("access_token")?),
            expires_at: now.checked_add_signed(lifetime).ok_or_else(unusable)?,
        }))
    }
}
