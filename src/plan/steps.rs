//! Batching changes into requests within the CDN's limits.
