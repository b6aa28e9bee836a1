//! `[io]` The access key that the AWS command line would use, found by Amazon's library: in the environment, by a
//! web identity, in a profile (also with SSO, a process or a role), or as the role of a container or a machine.
//! The library sends through our transport, so there is one HTTP client with one proxy and one TLS.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use aws_config::Region;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use tokio::time::Instant;

use crate::transport::http::HttpTransport;
use crate::transport::{HeaderValue, Method, Request, Transport as _, TransportErrorKind};

type Failure = Box<dyn Error + Send + Sync>;

/// Variables that set the region where keys are exchanged.
const REGIONS: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];

/// Time limit of requests for which the library sets none.
const USUAL_LIMIT: Duration = Duration::from_secs(10);

const NOWHERE: &str = "there are none in the environment, by a web identity, in a profile, of a container or of the machine";

/// Id, secret and an optional session token, one per line.
pub(super) async fn access_key(profile: Option<&str>, region: &str) -> Result<String, Failure> {
    let mut set = REGIONS.iter().filter_map(|name| std::env::var(name).ok());
    let set = set.find(|region| !region.is_empty());
    let region = set.unwrap_or_else(|| region.to_owned());
    let config = ProviderConfig::without_region()
        .with_region(Some(Region::new(region)))
        .with_http_client(Door::default());
    let profiles = ProfileFileCredentialsProvider::builder().configure(&config);
    let key = if let Some(name) = profile {
        // Like `--profile` of the command line, it takes precedence over the environment.
        let provider = profiles.profile_name(name).build();
        provider.provide_credentials().await
    } else {
        let web = WebIdentityTokenCredentialsProvider::builder().configure(&config);
        let container = EcsCredentialsProvider::builder().configure(&config);
        let machine = ImdsCredentialsProvider::builder().configure(&config);
        let environment = EnvironmentVariableCredentialsProvider::new();
        // The command line's order [O].
        let chain = CredentialsProviderChain::first_try("environment", environment)
            .or_else("web identity", web.build())
            .or_else("profile", profiles.build())
            .or_else("container", container.build())
            .or_else("machine", machine.build());
        chain.provide_credentials().await
    };
    let key = key.map_err(|error| match (profile, error) {
        (None, CredentialsError::CredentialsNotLoaded(_)) => NOWHERE.into(),
        (_, error) => Failure::from(error),
    })?;
    let lines = [
        Some(key.access_key_id()),
        Some(key.secret_access_key()),
        key.session_token(),
    ];
    Ok(lines.into_iter().flatten().collect::<Vec<_>>().join("\n"))
}

#[derive(Debug, Clone, Default)]
struct Door {
    transport: Arc<HttpTransport>,
    limit: Duration,
}

impl HttpClient for Door {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let limits = [settings.connect_timeout(), settings.read_timeout()];
        let limit: Duration = limits.into_iter().flatten().sum();
        SharedHttpConnector::new(Self {
            limit: if limit.is_zero() { USUAL_LIMIT } else { limit },
            ..self.clone()
        })
    }
}

impl HttpConnector for Door {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let door = self.clone();
        HttpConnectorFuture::new(async move {
            let request = sent(&request).map_err(ConnectorError::user)?;
            let deadline = Instant::now() + door.limit;
            let answer = door.transport.send(request, Some(deadline)).await;
            let answer = answer.map_err(|error| match error.kind {
                TransportErrorKind::Timeout | TransportErrorKind::TooLate => {
                    ConnectorError::timeout(error.into())
                }
                TransportErrorKind::Insecure | TransportErrorKind::Invalid => {
                    ConnectorError::user(error.into())
                }
                TransportErrorKind::Connect
                | TransportErrorKind::Tls
                | TransportErrorKind::TlsBroken
                | TransportErrorKind::Interrupted
                | TransportErrorKind::BodyTooLarge => ConnectorError::io(error.into()),
            })?;
            let status = StatusCode::try_from(answer.status);
            let status = status.map_err(|error| ConnectorError::user(error.into()))?;
            let mut response = HttpResponse::new(status, SdkBody::from(answer.body));
            for (name, value) in answer.headers {
                // An invalid header is ignored.
                let _ = response.headers_mut().try_append(name, value);
            }
            Ok(response)
        })
    }
}

/// Headers that the library sends: our transport needs static names.
const HEADERS: [&str; 13] = [
    "accept",
    "amz-sdk-invocation-id",
    "amz-sdk-request",
    "authorization",
    "content-type",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-sso_bearer_token",
    "x-amz-target",
    "x-amz-user-agent",
    "x-aws-ec2-metadata-token",
    "x-aws-ec2-metadata-token-ttl-seconds",
];

/// Headers that our transport sets itself.
const OWN_HEADERS: [&str; 3] = ["content-length", "host", "user-agent"];

fn sent(request: &HttpRequest) -> Result<Request, Failure> {
    let mut methods = [Method::Get, Method::Put, Method::Post].into_iter();
    let method = methods.find(|method| method.as_str() == request.method());
    let mut headers = Vec::new();
    for (name, value) in request.headers() {
        let mut known = HEADERS.into_iter();
        match known.find(|known| known.eq_ignore_ascii_case(name)) {
            Some(name) => headers.push((name, HeaderValue::secret(value))),
            None if OWN_HEADERS.contains(&name) => {}
            None => return Err(format!("a header `{name}` is not sent").into()),
        }
    }
    Ok(Request {
        method: method.ok_or("a method is not known")?,
        url: request.uri().to_owned(),
        headers,
        body: request.body().bytes().unwrap_or_default().to_vec(),
    })
}
