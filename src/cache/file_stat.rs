//! `[io]` A file's metadata, and how far it can be trusted.
//!
//! # Racily clean files
//! A file that is written twice within one tick of the file system's clock has the same times for
//! both contents. So times that are not older than the check (minus [`RACY_MARGIN`]) prove nothing
//! later. A file with times in the future is read every time, which is slow but not wrong.

use std::fs::Metadata;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::take;

/// Largest clock difference of machine and file system, and the coarsest file time: FAT's 2 s.
const RACY_MARGIN: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileStat {
    pub(crate) size: u64,
    modified: Time,
    /// Change time of the inode, which no program can set; equals `modified` where there is none.
    changed: Time,
    inode: u64,
    device: u64,
}

/// Nanoseconds since 1970: enough until 2262, and half the size of two fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Time(i64);

const NANOS: i64 = 1_000_000_000;

impl Time {
    /// Files with later times are racy for a check at `now`.
    pub(crate) fn horizon(now: SystemTime) -> Self {
        now.checked_sub(RACY_MARGIN)
            .map_or(Self(i64::MIN), Self::of)
    }

    /// A time out of range counts as far in the future, so that it is never trusted.
    fn of(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH);
        Self(since.map_or(0, |since| {
            i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
        }))
    }
}

impl FileStat {
    #[cfg(unix)]
    pub(crate) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        let time = |seconds: i64, nanos: i64| {
            let total = seconds.checked_mul(NANOS);
            let total = total.and_then(|total| total.checked_add(nanos));
            Time(total.unwrap_or(i64::MAX))
        };
        Self {
            size: metadata.len(),
            modified: time(metadata.mtime(), metadata.mtime_nsec()),
            changed: time(metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
            device: metadata.dev(),
        }
    }

    #[cfg(not(unix))]
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let modified = metadata.modified().map_or(Time(i64::MAX), Time::of);
        Self {
            size: metadata.len(),
            modified,
            changed: modified,
            inode: 0,
            device: 0,
        }
    }

    /// Whether the file could change after a check with that horizon without changing its times.
    pub(crate) fn is_racy(&self, horizon: Time) -> bool {
        self.modified.max(self.changed) >= horizon
    }

    pub(crate) fn write(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(&self.size.to_le_bytes());
        into.extend_from_slice(&self.modified.0.to_le_bytes());
        into.extend_from_slice(&self.changed.0.to_le_bytes());
        into.extend_from_slice(&self.inode.to_le_bytes());
        into.extend_from_slice(&self.device.to_le_bytes());
    }

    pub(crate) fn read(from: &mut &[u8]) -> Option<Self> {
        Some(Self {
            size: u64::from_le_bytes(take(from)?),
            modified: Time(i64::from_le_bytes(take(from)?)),
            changed: Time(i64::from_le_bytes(take(from)?)),
            inode: u64::from_le_bytes(take(from)?),
            device: u64::from_le_bytes(take(from)?),
        })
    }
}

#[cfg(test)]
impl FileStat {
    pub(crate) fn example(modified: i64, changed: i64) -> Self {
        Self {
            size: 3,
            modified: Time(modified * NANOS),
            changed: Time(changed * NANOS),
            inode: 1,
            device: 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_older_than_the_look_is_racy() {
        let horizon = Time::horizon(UNIX_EPOCH + Duration::from_secs(1000));
        for (modified, changed, racy) in [
            (900, 900, false),
            (997, 997, false),
            (998, 900, true),
            (900, 998, true),
            (5000, 900, true),
        ] {
            let stat = FileStat::example(modified, changed);
            assert_eq!(stat.is_racy(horizon), racy, "{modified} {changed}");
        }
    }
}
