//! The XML of answers.

use chrono::{DateTime, SecondsFormat, Utc};
use quick_xml::escape::partial_escape;

use crate::emulator::exchange::Reply;

pub(super) const NAMESPACE: &str = "http://cloudfront.amazonaws.com/doc/2020-05-31/";

pub(super) fn xml(status: u16, root: &str, content: &str) -> Reply {
    let body = format!("<?xml version=\"1.0\"?>\n<{root} xmlns=\"{NAMESPACE}\">{content}</{root}>");
    Reply::new(status, "text/xml", body)
}

pub(super) struct Shown<'a> {
    pub(super) id: &'a str,
    pub(super) status: &'a str,
    pub(super) at: DateTime<Utc>,
}

impl Shown<'_> {
    fn time(&self) -> String {
        self.at.to_rfc3339_opts(SecondsFormat::Millis, true)
    }

    pub(super) fn whole(&self, status: u16, paths: &[String], reference: &str) -> Reply {
        let items = paths
            .iter()
            .map(|path| format!("<Path>{}</Path>", partial_escape(&**path)));
        let content = format!(
            "<Id>{}</Id><Status>{}</Status><CreateTime>{}</CreateTime><InvalidationBatch><Paths><Quantity>{}</Quantity><Items>{}</Items></Paths><CallerReference>{}</CallerReference></InvalidationBatch>",
            self.id,
            partial_escape(self.status),
            self.time(),
            paths.len(),
            items.collect::<String>(),
            partial_escape(reference),
        );
        xml(status, "Invalidation", &content)
    }

    fn summary(&self) -> String {
        format!(
            "<InvalidationSummary><Id>{}</Id><CreateTime>{}</CreateTime><Status>{}</Status></InvalidationSummary>",
            self.id,
            self.time(),
            partial_escape(self.status)
        )
    }
}

/// A list; no element if it is empty.
fn listed(items: impl Iterator<Item = String>) -> String {
    match items.collect::<String>() {
        items if items.is_empty() => items,
        items => format!("<Items>{items}</Items>"),
    }
}

/// One page of a list, with the marker of the next page if there is one.
pub(super) fn list(marker: &str, most: usize, page: &[Shown<'_>], next: Option<&str>) -> Reply {
    let next_marker = next.map(|next| format!("<NextMarker>{next}</NextMarker>"));
    let items = listed(page.iter().map(Shown::summary));
    let content = format!(
        "<Marker>{}</Marker>{}<MaxItems>{most}</MaxItems><IsTruncated>{}</IsTruncated><Quantity>{}</Quantity>{items}",
        partial_escape(marker),
        next_marker.unwrap_or_default(),
        next.is_some(),
        page.len(),
    );
    xml(200, "InvalidationList", &content)
}

/// The fields that purging clients read.
pub(super) fn distribution(
    id: &str,
    domain: &str,
    aliases: &[String],
    tag_header: Option<&str>,
    in_progress: usize,
) -> Reply {
    let names = aliases
        .iter()
        .map(|alias| format!("<CNAME>{}</CNAME>", partial_escape(&**alias)));
    let items = listed(names);
    let tags = tag_header.map(|name| {
        let name = partial_escape(name);
        format!("<CacheTagConfig><HeaderName>{name}</HeaderName></CacheTagConfig>")
    });
    let content = format!(
        "<Id>{id}</Id><ARN>arn:aws:cloudfront::123456789012:distribution/{id}</ARN><Status>Deployed</Status><LastModifiedTime>2026-01-01T00:00:00.000Z</LastModifiedTime><InProgressInvalidationBatches>{in_progress}</InProgressInvalidationBatches><DomainName>{domain}</DomainName><DistributionConfig><CallerReference>emulated</CallerReference><Aliases><Quantity>{}</Quantity>{items}</Aliases><Comment></Comment><Enabled>true</Enabled>{}</DistributionConfig>",
        aliases.len(),
        tags.unwrap_or_default(),
    );
    xml(200, "Distribution", &content).header("etag", "E2QWRUHEXAMPLE")
}
