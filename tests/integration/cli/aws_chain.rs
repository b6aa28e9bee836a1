//! The credentials that AWS users have, wherever they are. Each source gives the key of a session that the emulated
//! distribution takes.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use axum::Router;
use axum::extract::Request;
use axum::routing::{get, post, put};
use purgit::emulator::cloudfront::{
    ACCESS_KEY_ID, DISTRIBUTION_ID, SECRET_ACCESS_KEY, SESSION_KEY_ID, SESSION_TOKEN,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::cloudfront::Distribution;
use crate::common::Output;
use crate::emulator::vendor_sdks::python;

/// A key as JSON, with the names that a source has for its parts.
fn key(id: &str, secret: &str, token: &str) -> String {
    format!(
        r#"{{"Version":1,"Code":"Success","{id}":"{SESSION_KEY_ID}","{secret}":"{SECRET_ACCESS_KEY}","{token}":"{SESSION_TOKEN}","Expiration":"2099-01-01T00:00:00Z"}}"#
    )
}

/// Of a container and of a machine.
fn role() -> String {
    key("AccessKeyId", "SecretAccessKey", "Token")
}

/// STS; it gives keys to whoever names the role and proves to be somebody.
async fn sts(request: Request) -> Result<String, (u16, String)> {
    let is_signed = request.headers().contains_key("authorization");
    let body = axum::body::to_bytes(request.into_body(), 65536)
        .await
        .unwrap();
    let form = String::from_utf8(body.to_vec()).unwrap();
    let has = |field: &str| form.split('&').any(|found| found == field);
    let role = has("RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fpurgit");
    let action = match (is_signed, has("WebIdentityToken=not-a-real-jwt")) {
        (true, _) if has("Action=AssumeRole") => "AssumeRole",
        (false, true) if has("Action=AssumeRoleWithWebIdentity") => "AssumeRoleWithWebIdentity",
        _ => "",
    };
    if !role || action.is_empty() {
        let error = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no such trust</Message></Error></ErrorResponse>";
        return Err((403, error.to_owned()));
    }
    Ok(format!(
        "<{action}Response><{action}Result><Credentials><AccessKeyId>{SESSION_KEY_ID}</AccessKeyId><SecretAccessKey>{SECRET_ACCESS_KEY}</SecretAccessKey><SessionToken>{SESSION_TOKEN}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></{action}Result></{action}Response>"
    ))
}

/// All that gives keys to AWS users, in one server.
async fn serve() -> String {
    let sso = key("accessKeyId", "secretAccessKey", "sessionToken");
    let sso = sso
        .replace("\"2099-01-01T00:00:00Z\"", "4070908800000")
        .replace("Expiration", "expiration");
    let sso = format!(r#"{{"roleCredentials":{sso}}}"#);
    let answer = async |request: Request| {
        let answer = sts(request).await;
        let (status, body) = answer.map_or_else(|refused| refused, |body| (200, body));
        (axum::http::StatusCode::from_u16(status).unwrap(), body)
    };
    let app = Router::new()
        .route("/", post(answer))
        .route("/container", get(|| async { role() }))
        .route(
            "/latest/api/token",
            put(|| async { ([("x-aws-ec2-metadata-token-ttl-seconds", "60")], "t") }),
        )
        .route(
            "/latest/meta-data/iam/security-credentials/",
            get(|| async { "purgit" }),
        )
        .route(
            "/latest/meta-data/iam/security-credentials/purgit",
            get(|| async { role() }),
        )
        .route("/federation/credentials", get(|| async { sso }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, app).await });
    format!("http://{address}")
}

/// A project that takes the chain, in a home of its own.
fn chained(chain: &str) -> (Distribution, String) {
    let mut world = Distribution::new();
    let server = world.runtime.block_on(serve());
    world
        .env
        .edit("purgit.yaml", "keys:", &format!("chain: {chain}"));
    for line in [
        "accessKeyId: { env: AWS_ACCESS_KEY_ID }",
        "secretAccessKey: { env: AWS_SECRET_ACCESS_KEY }",
    ] {
        world
            .env
            .edit("purgit.yaml", &format!("        {line}\n"), "");
    }
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        world.env.unset(name);
    }
    let home = world.env.folder().join("home").display().to_string();
    for (name, value) in [
        ("HOME", &*home),
        ("AWS_CONFIG_FILE", &*format!("{home}/config")),
        (
            "AWS_SHARED_CREDENTIALS_FILE",
            &format!("{home}/credentials"),
        ),
        ("AWS_ENDPOINT_URL_STS", &server),
        ("AWS_ENDPOINT_URL_SSO", &server),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("PATH", "/bin:/usr/bin"),
    ] {
        world.env.set(name, value);
    }
    (world, server)
}

fn home(world: &Distribution, file: &str, text: &str) {
    let path = world.env.folder().join("home").join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn apply(world: &Distribution) -> Output {
    world.env.run("apply").code(0).stdout_has("2 Succeeded")
}

#[test]
fn the_environment_comes_first_unless_a_profile_is_named() {
    let (mut world, _) = chained("{}");
    home(
        &world,
        "credentials",
        "[default]\naws_access_key_id = AKIDOTHER\naws_secret_access_key = x\n",
    );
    world.env.set("AWS_ACCESS_KEY_ID", SESSION_KEY_ID);
    world.env.set("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY);
    world.env.set("AWS_SESSION_TOKEN", SESSION_TOKEN);
    apply(&world);
    let (mut world, _) = chained("{ profile: deploy }");
    let profile = format!(
        "[deploy]\naws_access_key_id = {ACCESS_KEY_ID}\naws_secret_access_key = {SECRET_ACCESS_KEY}\n"
    );
    home(&world, "credentials", &profile);
    world.env.set("AWS_ACCESS_KEY_ID", "AKIDOTHER");
    world.env.set("AWS_SECRET_ACCESS_KEY", "x");
    apply(&world);
}

#[test]
fn a_web_identity_is_exchanged() {
    let (mut world, _) = chained("{}");
    home(&world, "jwt", "not-a-real-jwt");
    let jwt = world.env.folder().join("home/jwt").display().to_string();
    world.env.set("AWS_WEB_IDENTITY_TOKEN_FILE", &jwt);
    world
        .env
        .set("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/purgit");
    apply(&world);
    world
        .env
        .set("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/other");
    world.env.edit("purges/spring.yaml", "\"1\"", "\"2\"");
    let refused = world.env.run("apply").code(7).stderr_has("no such trust");
    refused.stderr_has("`aws sts get-caller-identity`");
}

#[test]
fn a_container_and_a_machine_have_roles() {
    let (mut world, server) = chained("{}");
    world.env.set(
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        &format!("{server}/container"),
    );
    apply(&world);
    let (mut world, server) = chained("{}");
    world.env.unset("AWS_EC2_METADATA_DISABLED");
    world.env.set("AWS_EC2_METADATA_SERVICE_ENDPOINT", &server);
    apply(&world);
}

#[test]
fn a_profile_may_take_a_role_ask_a_process_or_sign_on() {
    let role = format!(
        "[profile deploy]\nrole_arn = arn:aws:iam::123456789012:role/purgit\nsource_profile = base\n[profile base]\naws_access_key_id = {ACCESS_KEY_ID}\naws_secret_access_key = {SECRET_ACCESS_KEY}\n"
    );
    let process = format!(
        "[profile deploy]\ncredential_process = echo '{}'\n",
        key("AccessKeyId", "SecretAccessKey", "SessionToken")
    );
    let sso = "[profile deploy]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = purgit\n[sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://corp.awsapps.com/start\n".to_owned();
    for config in [role, process, sso] {
        let (world, _) = chained("{ profile: deploy }");
        home(&world, "config", &config);
        let token = r#"{"accessToken":"not-a-real-sso-token","expiresAt":"2099-01-01T00:00:00Z","region":"us-east-1"}"#;
        // The name is the SHA-1 of the session's.
        home(
            &world,
            ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json",
            token,
        );
        apply(&world);
    }
}

#[test]
fn where_there_is_nothing_the_remedy_is_named() {
    let (world, _) = chained("{}");
    world.env.run("apply").code(7).stderr_has(
        "no `chain`: AWS credentials of this machine cannot be loaded, as `aws sts get-caller-identity` should show, too: there are none in the environment, by",
    );
    let (world, _) = chained("{ profile: nope }");
    world.env.run("apply").code(7).stderr_has(
        "no `chain`: AWS profile `nope` cannot be loaded, as `aws sts get-caller-identity --profile nope` should show, too: ",
    );
    world.env.run("validate").code(0);
    world.env.run("plan").code(0);
}

#[test]
fn a_session_that_ended_is_read_again_once() {
    let (world, _) = chained("{ profile: deploy }");
    // The first time it prints a key that nobody knows any more.
    let script = format!(
        "if [ -e used ]; then echo '{}'; else touch used; echo '{{\"Version\":1,\"AccessKeyId\":\"ASIDOLD\",\"SecretAccessKey\":\"x\"}}'; fi",
        key("AccessKeyId", "SecretAccessKey", "SessionToken")
    );
    world.env.write("key.sh", &script);
    home(
        &world,
        "config",
        "[profile deploy]\ncredential_process = sh key.sh\n",
    );
    apply(&world);
    let refused = world.emulator.requests();
    let refused = refused.iter().filter(|request| request.status == Some(403));
    assert!((1..=2).contains(&refused.count()));
}

/// STS and CloudFront as moto has them. Its metadata service lacks a header that the vendor's library wants.
#[test]
fn another_programs_sts_and_cloudfront_are_understood() {
    let Some(mut python) = python("cloudfront_moto.py") else {
        return;
    };
    python
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut moto = python.spawn().unwrap();
    let mut said = BufReader::new(moto.stdout.take().unwrap()).lines();
    let mut read = || -> Value { serde_json::from_str(&said.next().unwrap().unwrap()).unwrap() };
    let place = read();
    let url = place["url"].as_str().unwrap();
    let (mut world, _) = chained("{}");
    let emulated = world.emulator.api_url();
    world.env.edit("purgit.yaml", &emulated, url);
    world.env.edit(
        "purgit.yaml",
        DISTRIBUTION_ID,
        place["distribution"].as_str().unwrap(),
    );
    world.env.set("AWS_ENDPOINT_URL_STS", url);
    home(&world, "jwt", "not-a-real-jwt");
    let jwt = world.env.folder().join("home/jwt").display().to_string();
    world.env.set("AWS_WEB_IDENTITY_TOKEN_FILE", &jwt);
    world
        .env
        .set("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/purgit");
    apply(&world);
    world.env.run("doctor").stdout_has("known and switched on");
    drop(moto.stdin.take());
    assert_eq!(read(), json!([["/a.png"], ["/d/*"]]));
    assert!(moto.wait().unwrap().success());
}
