//! The content id: git's blob id.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

const ID_BYTES: usize = 20;

const ID_DIGITS: usize = 2 * ID_BYTES;

/// The git blob id (SHA-1) of a file's bytes, as `git hash-object --no-filters` prints it.
///
/// The bytes are those on disk, which a CDN serves. If git converts files on checkout
/// (`core.autocrlf`, `eol=`, LFS and other filters), the blob in the tree has other bytes and
/// another id although nothing changed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentId([u8; ID_BYTES]);

impl ContentId {
    pub const fn from_bytes(bytes: [u8; ID_BYTES]) -> Self {
        Self(bytes)
    }

    /// 40 lowercase hexadecimal digits, without an allocation.
    pub(crate) fn digits(&self) -> [u8; ID_DIGITS] {
        let mut digits = [0; ID_DIGITS];
        // The buffer has two digits per byte.
        let _ = hex::encode_to_slice(self.0, &mut digits);
        digits
    }

    pub const fn as_bytes(&self) -> &[u8; ID_BYTES] {
        &self.0
    }
}

impl fmt::Display for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentId({self})")
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not a content id, which is 40 hexadecimal digits")]
pub struct ParseIdError(String);

impl FromStr for ContentId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; ID_BYTES];
        match hex::decode_to_slice(text, &mut bytes) {
            Ok(()) => Ok(Self(bytes)),
            Err(_) => Err(ParseIdError(text.to_owned())),
        }
    }
}
