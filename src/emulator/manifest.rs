//! What to put into a `purgit.yaml` to use an emulator, and into the environment.

use super::account::{ENDPOINT_ID, KEY_ID, KEY_VALUE, SUBSCRIPTION_ID};
use super::settings::Settings;

impl Settings {
    /// A complete `purgit.yaml` for this emulator's first endpoint, at that API and for those hosts.
    pub fn manifest(&self, api_url: &str, hosts: &[&str]) -> String {
        let subscription = self.account.subscriptions.first();
        let endpoint = subscription.and_then(|subscription| subscription.endpoints.first());
        let subscription_id = subscription.map_or(SUBSCRIPTION_ID, |found| found.id.as_str());
        let endpoint_id = endpoint.map_or(ENDPOINT_ID, |found| found.id.as_str());
        // A JSON string is a YAML string, whatever is in it.
        let hosts: Vec<String> = hosts
            .iter()
            .map(|host| serde_json::Value::from(*host).to_string())
            .collect();
        let hosts = hosts.join(", ");
        format!(
            "\
apiVersion: purgit/v1alpha1
kind: Project
metadata: {{ name: emulated }}
---
apiVersion: purgit/v1alpha1
kind: Endpoint
metadata: {{ name: www }}
spec:
  hosts: [{hosts}]
  azureChinaCdn:
    subscriptionId: {subscription_id}
    endpointId: {endpoint_id}
    apiUrl: {api_url}
    credentials:
      keyId: {{ env: AZURE_CDN_KEY_ID }}
      keyValue: {{ env: AZURE_CDN_KEY_VALUE }}
  limits: {{ requestsPerSecond: 1000, concurrentRequests: 16 }}
  poll: {{ interval: 100ms, maxInterval: 1s, timeout: 5m }}
"
        )
    }

    /// The two lines that set the credentials of the default account in a shell.
    pub fn exports() -> String {
        format!("export AZURE_CDN_KEY_ID={KEY_ID}\nexport AZURE_CDN_KEY_VALUE={KEY_VALUE}\n")
    }
}
