//! The origin's answer, for comparison with an edge's if the bytes are unknown because they are generated or
//! changed on the way.

use super::{Question, Wanted};
use crate::content::ContentId;
use crate::entry::Generation;
use crate::transport::fetch::Fetched;

/// The answer of an origin that is known to have the release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Original {
    status: u16,
    location: Option<String>,
    id: Option<ContentId>,
    /// Only if it is strong: answers with the same weak one may differ.
    etag: Option<String>,
}

/// An origin's answer, or why it is unknown, as a phrase that continues "the origin".
pub type Told = Result<Original, String>;

impl Original {
    pub fn new(fetched: &Fetched) -> Self {
        Self {
            status: fetched.status,
            location: location(fetched),
            id: fetched.id,
            etag: strong_etag(fetched).map(str::to_owned),
        }
    }

    /// Whether an edge serves the same bytes, or redirects to the same place.
    pub(super) fn is_same(&self, fetched: &Fetched) -> bool {
        let is_same_body = fetched.id.is_some() && self.id == fetched.id;
        self.leads_alike(fetched) && (is_same_body || self.location.is_some())
    }

    pub(super) fn has_same_etag(&self, fetched: &Fetched) -> bool {
        let etag = self.etag.as_deref();
        self.leads_alike(fetched) && etag.is_some() && etag == strong_etag(fetched)
    }

    fn leads_alike(&self, fetched: &Fetched) -> bool {
        self.status == fetched.status && self.location == location(fetched)
    }
}

/// Whether a comparison with the origin could prove an answer fresh.
pub(super) fn is_comparable(question: &Question, fetched: &Fetched) -> bool {
    let is_earlier = content_of(fetched).is_some_and(|found| question.earlier.contains(&found));
    match question.wanted {
        Wanted::Gone => (300..500).contains(&fetched.status),
        Wanted::Content(_) | Wanted::Anything => {
            (200..400).contains(&fetched.status) && !is_earlier
        }
    }
}

pub(super) fn content_of(fetched: &Fetched) -> Option<Generation> {
    let id = fetched.id.filter(|_| fetched.status == 200);
    id.map(|id| Generation::of_content(&id))
}

fn location(fetched: &Fetched) -> Option<String> {
    let is_redirect = (300..400).contains(&fetched.status);
    let location = fetched.header("location").filter(|_| is_redirect);
    location.map(|location| location.trim().to_owned())
}

/// RFC 9110, 8.8.3: in quotes, and not marked as weak.
fn strong_etag(fetched: &Fetched) -> Option<&str> {
    let etag = fetched.header("etag")?.trim();
    (etag.len() > 2 && etag.starts_with('"') && etag.ends_with('"')).then_some(etag)
}
