//! The token services: the login service, a machine's metadata service, and GitHub's.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::json;
use url::form_urlencoded;

use super::settings::{
    AzureFrontDoor, CLIENT_ID, CLIENT_SECRET, FEDERATED_TOKEN, GITHUB_TOKEN, TENANT_ID,
};
use crate::emulator::exchange::{ApiRequest, Reply};

/// A JSON Web Token that the login service accepts once GitHub's service here has issued it.
const GITHUB_JWT: &str = "not-a-real-jwt-of-github";

type Form = BTreeMap<String, String>;

fn form(text: &[u8]) -> Form {
    form_urlencoded::parse(text).into_owned().collect()
}

/// A refusal in the login service's form `[O]`.
fn refused(status: u16, error: &str, code: u64, message: &str) -> Reply {
    let description = format!("AADSTS{code}: {message} Trace ID: 0 Correlation ID: 0");
    let body = json!({
        "error": error, "error_description": description, "error_codes": [code],
    });
    Reply {
        error: Some(format!("AADSTS{code}: {message}")),
        ..Reply::json(status, &body)
    }
}

impl AzureFrontDoor {
    fn give(&mut self, id: &str, now: DateTime<Utc>) -> String {
        let token = format!("token-{id}");
        self.tokens.retain(|_, ends| *ends > now);
        self.tokens.insert(token.clone(), now + self.token_lifetime);
        token
    }

    /// `POST /{tenant}/oauth2/v2.0/token`
    pub(super) fn login(
        &mut self,
        request: &ApiRequest,
        tenant: &str,
        now: DateTime<Utc>,
    ) -> Reply {
        let form = form(request.body());
        let field = |name: &str| form.get(name).map_or("", String::as_str);
        if tenant != TENANT_ID {
            let message = format!("Tenant '{tenant}' not found.");
            return refused(400, "invalid_request", 90_002, &message);
        }
        if field("grant_type") != "client_credentials" {
            return refused(400, "unsupported_grant_type", 70_003, "Not supported.");
        }
        let scope = field("scope");
        if !scope.starts_with("https://management.") || !scope.ends_with("/.default") {
            let message = format!("The resource of '{scope}' was not found in the tenant.");
            return refused(400, "invalid_resource", 500_011, &message);
        }
        if field("client_id") != CLIENT_ID {
            let message = "The application was not found in the directory.";
            return refused(400, "unauthorized_client", 700_016, message);
        }
        let assertion = field("client_assertion");
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        match (field("client_secret"), assertion) {
            (CLIENT_SECRET, "") => {}
            ("", FEDERATED_TOKEN | GITHUB_JWT) if field("client_assertion_type") == kind => {}
            ("", "") => {
                let message = "The request must have client_secret or client_assertion.";
                return refused(401, "invalid_client", 7_000_216, message);
            }
            ("", _) => {
                let message = "No matching federated identity record found.";
                return refused(401, "invalid_client", 70_021, message);
            }
            (_, _) => {
                let message = "Invalid client secret provided.";
                return refused(401, "invalid_client", 7_000_215, message);
            }
        }
        let seconds = self.token_lifetime.as_secs();
        let token = self.give(&request.id.to_string(), now);
        Reply::json(
            200,
            &json!({
                "token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds,
                "access_token": token,
            }),
        )
    }

    /// `GET /metadata/identity/oauth2/token`; it writes numbers as texts `[O]`.
    pub(super) fn machine(&mut self, request: &ApiRequest, now: DateTime<Utc>) -> Reply {
        let query = form(request.query().as_bytes());
        let is_asked = request.header("metadata") == Some("true")
            && query.contains_key("api-version")
            && query.contains_key("resource");
        let is_known = query.get("client_id").is_none_or(|id| id == CLIENT_ID);
        if !is_asked || !is_known {
            let body = json!({
                "error": "invalid_request", "error_description": "Identity not found",
            });
            return Reply::json(400, &body);
        }
        let ends = (now + self.token_lifetime).timestamp().to_string();
        let seconds = self.token_lifetime.as_secs().to_string();
        let token = self.give(&request.id.to_string(), now);
        Reply::json(
            200,
            &json!({
                "access_token": token, "expires_in": seconds, "expires_on": ends,
                "token_type": "Bearer",
            }),
        )
    }

    /// GitHub's token service, at our own path: the real URL is in a variable.
    pub(super) fn github(request: &ApiRequest) -> Reply {
        let query = form(request.query().as_bytes());
        let bearer = format!("Bearer {GITHUB_TOKEN}");
        let audience = query.get("audience").map_or("", String::as_str);
        if request.header("authorization") != Some(&bearer) {
            return Reply::json(401, &json!({ "message": "Bad credentials" }));
        }
        let value = match audience.starts_with("api://AzureADTokenExchange") {
            true => GITHUB_JWT,
            false => "not-a-real-jwt-of-another-audience",
        };
        Reply::json(200, &json!({ "value": value }))
    }
}
