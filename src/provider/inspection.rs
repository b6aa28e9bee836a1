//! What a CDN says of an endpoint when it is asked for nothing else.

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inspection {
    /// Whether it is switched on, where the CDN says so.
    pub enabled: Option<bool>,
    /// The hosts that it serves; empty where the CDN does not say.
    pub hosts: Vec<String>,
    /// What else it says, in its own words.
    pub words: Vec<String>,
}
