//! The `azureFrontDoor` block of an `Endpoint`.

use super::cloud::Cloud;
use crate::credential::CredentialRef;
use crate::credential::reference::reference;
use crate::field::{
    Fields, Shape, api_url, block, boolean, field, guid, list, nested, one_of, parsed, wrong,
};
use crate::word_enum::word_enum;

/// Every cloud should have this version `[I]`; which versions China accepts is not documented `[?]`.
const DEFAULT_API_VERSION: &str = "2024-02-01";

block! {
    /// Azure Front Door (Standard and Premium), or the classic CDN from Microsoft.
    #[derive(PartialEq, Eq)]
    pub struct Config(ConfigDraft) {
        /// Where the subscription is: `global`, `china` (21Vianet) or `usGov`.
        cloud: Cloud = field("cloud", one_of(Cloud::WORDS)).or(Cloud::Global),
        /// `frontDoor` for Standard and Premium profiles, `classicCdn` for profiles of Azure CDN from Microsoft (classic).
        product: Product = field("product", one_of(Product::WORDS)).or(Product::FrontDoor),
        /// GUID of the subscription.
        subscription_id: String = field("subscriptionId", guid()),
        /// Name of the resource group.
        resource_group: String = field("resourceGroup", name()),
        /// Name of the profile.
        profile: String = field("profile", name()),
        /// Name of the endpoint, without its domain.
        endpoint: String = field("endpoint", name()),
        /// Domains that `everything` purges. Default: all `hosts` without `*`.
        domains: Vec<String> = field("domains", list(domain())).or(Vec::new()),
        /// Version of the API.
        api_version: String = field("apiVersion", version()).or(DEFAULT_API_VERSION.to_owned()),
        /// Base URL of Azure Resource Manager: https, or http to this machine. Default: the cloud's.
        api_url: Option<String> = field("apiUrl", api_url()).optional(),
        /// Base URL of the token service: https, or http to this machine. Default: the cloud's.
        login_url: Option<String> = field("loginUrl", api_url()).optional(),
        /// How to authenticate: exactly one way.
        credentials: Credentials = field("credentials", nested()),
    }
}

block! {
    /// How to authenticate: exactly one way.
    #[derive(PartialEq, Eq)]
    pub struct Credentials(CredentialsDraft, check_ways) {
        /// A secret of an app registration.
        client_secret: Option<ClientSecret> = field("clientSecret", nested()).choice(),
        /// A token of another identity provider that the app registration trusts, as in GitHub Actions and Kubernetes.
        federated: Option<Federated> = field("federated", nested()).choice(),
        /// The identity of the machine.
        managed_identity: Option<ManagedIdentity> = field("managedIdentity", nested()).choice(),
        /// A token for Azure Resource Manager, as `az account get-access-token` prints it. It is read once per run, and again if it is rejected.
        token: Option<CredentialRef> = field("token", reference("ARM_ACCESS_TOKEN")).choice(),
    }
}

block! {
    /// A secret of an app registration.
    #[derive(PartialEq, Eq)]
    pub struct ClientSecret(ClientSecretDraft) {
        /// GUID or domain of the tenant.
        tenant_id: String = field("tenantId", name()),
        /// GUID of the app registration.
        client_id: String = field("clientId", guid()),
        /// The secret. A reference, never the credential itself.
        secret: CredentialRef = field("secret", reference("AZURE_CLIENT_SECRET")),
    }
}

block! {
    /// A token of another identity provider that the app registration trusts.
    #[derive(PartialEq, Eq)]
    pub struct Federated(FederatedDraft, check_tokens) {
        /// GUID or domain of the tenant.
        tenant_id: String = field("tenantId", name()),
        /// GUID of the app registration.
        client_id: String = field("clientId", guid()),
        /// The token. A reference, e.g. to the file that Kubernetes writes.
        token: Option<CredentialRef> = field("token", reference("AZURE_FEDERATED_TOKEN")).optional(),
        /// Whether GitHub Actions provides the token; the job needs `permissions: { id-token: write
        /// }`.
        github: bool = field("github", boolean()).or(false),
    }
}

block! {
    /// The identity of the machine.
    #[derive(PartialEq, Eq)]
    pub struct ManagedIdentity(ManagedIdentityDraft) {
        /// GUID of a user-assigned identity. Default: the machine's own identity.
        client_id: Option<String> = field("clientId", guid()).optional(),
    }
}

word_enum! {
    pub enum Product {
        FrontDoor = "frontDoor",
        ClassicCdn = "classicCdn",
    }
}

fn check_ways(_: &CredentialsDraft, fields: &Fields<'_>) {
    fields.exactly_one(
        &["clientSecret", "federated", "managedIdentity", "token"],
        None,
    );
}

fn check_tokens(_: &FederatedDraft, fields: &Fields<'_>) {
    fields.exactly_one(&["token", "github"], None);
}

/// A name that becomes part of a path.
fn name() -> Shape<String> {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || b"-_.()".contains(&b);
    parsed("name", move |text| match text.bytes().all(is_part) {
        true if text != "." && text != ".." => Ok(text.to_owned()),
        true | false => Err(wrong(
            "expected a name of letters, digits and `-_.()`",
            "write the name alone, as the portal shows it",
        )),
    })
    .pattern("^[-A-Za-z0-9_.()]+$")
}

fn domain() -> Shape<String> {
    parsed("domain", |text| {
        match crate::url::HostPattern::parse(text) {
            Ok(host) if !text.starts_with('*') => Ok(host.to_string()),
            Ok(_) | Err(_) => Err(wrong(
                "expected the whole name of a domain",
                "name each subdomain: the CDN takes no `*` here",
            )),
        }
    })
}

fn version() -> Shape<String> {
    parsed("version", |text| Ok(text.to_owned())).pattern("^[0-9]{4}-[0-9]{2}-[0-9]{2}(-preview)?$")
}
