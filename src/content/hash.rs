//! `[io]` Hashes bytes and files like git hashes blobs.
//!
//! The `sha1` crate uses the processor's SHA instructions. libgit2 also checks every block for known
//! attacks on SHA-1, which is several times slower. For content made by its own publisher both give
//! the same id.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha1::{Digest, Sha1};

use super::ContentId;
use crate::cache::FileStat;

/// Files up to this many bytes are read at once; larger ones are streamed, which bounds the memory.
const WHOLE_FILE_BYTES: u64 = 1 << 20;

/// Bytes per read: large enough for the disk, small enough for the processor's cache.
const STREAM_BYTES: usize = 256 << 10;

/// Attempts to read a streamed file whose size changes during the read.
pub(super) const READ_ATTEMPTS: usize = 3;

pub fn blob_id(bytes: &[u8]) -> ContentId {
    let mut hash = start(bytes.len() as u64);
    hash.update(bytes);
    finish(hash)
}

/// The content id of a stream of exactly `size` bytes; `None` if it has more or fewer.
pub fn read_blob_id(bytes: impl Read, size: u64) -> io::Result<Option<ContentId>> {
    stream(bytes, size, &mut Vec::new())
}

/// The content id of a file, and its stat before it was read; `None` if its size changed in every
/// attempt. `buffer` is reusable scratch space.
pub(super) fn file_id(
    path: &Path,
    buffer: &mut Vec<u8>,
) -> io::Result<Option<(FileStat, ContentId)>> {
    for _ in 0..READ_ATTEMPTS {
        let file = File::open(path)?;
        let stat = FileStat::of(&file.metadata()?);
        let id = match stat.size <= WHOLE_FILE_BYTES {
            true => whole(file, stat.size, buffer)?,
            false => stream(file, stat.size, buffer)?,
        };
        if let Some(id) = id {
            return Ok(Some((stat, id)));
        }
    }
    Ok(None)
}

/// Hashes a file of about `size` bytes at once; `None` if it has grown too large for that.
fn whole(mut file: File, size: u64, buffer: &mut Vec<u8>) -> io::Result<Option<ContentId>> {
    buffer.clear();
    // One byte more than expected, so that an unchanged file needs one read and one end of file.
    buffer.reserve(usize::try_from(size).unwrap_or_default() + 1);
    (&mut file).take(WHOLE_FILE_BYTES + 1).read_to_end(buffer)?;
    Ok((buffer.len() as u64 <= WHOLE_FILE_BYTES).then(|| blob_id(buffer)))
}

/// Hashes a stream. The size is hashed first, so a file that grows or shrinks meanwhile has no id.
fn stream(mut file: impl Read, size: u64, buffer: &mut Vec<u8>) -> io::Result<Option<ContentId>> {
    let mut hash = start(size);
    let mut seen = 0;
    buffer.resize(STREAM_BYTES, 0);
    loop {
        match file.read(buffer) {
            Ok(0) => break,
            Ok(count) => {
                hash.update(&buffer[..count]);
                seen += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok((seen == size).then(|| finish(hash)))
}

fn start(size: u64) -> Sha1 {
    let mut hash = Sha1::new();
    hash.update(format!("blob {size}\0"));
    hash
}

fn finish(hash: Sha1) -> ContentId {
    ContentId::from_bytes(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_git() {
        // `git hash-object --stdin` of an empty input and of "hello\n".
        let nothing = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
        let hello = "ce013625030ba8dba906f756967f9e9ca394464a";
        assert_eq!(blob_id(b"").to_string(), nothing);
        assert_eq!(blob_id(b"hello\n").to_string(), hello);
    }

    #[test]
    fn small_large_and_growing_files_hash_alike() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut buffer = Vec::new();
        let limit = usize::try_from(WHOLE_FILE_BYTES).unwrap();
        for size in [0, 1, limit - 1, limit, limit + 1, 3 * limit + 7] {
            let bytes: Vec<u8> = (0..=250).cycle().take(size).collect();
            std::fs::write(&path, &bytes).unwrap();
            for expected in [0, size as u64, u64::MAX] {
                let file = File::open(&path).unwrap();
                let id = whole(file, expected.min(WHOLE_FILE_BYTES), &mut buffer).unwrap();
                let fits = size <= limit;
                assert_eq!(
                    id,
                    fits.then(|| blob_id(&bytes)),
                    "{size} bytes, {expected} expected"
                );
            }
            let (stat, id) = file_id(&path, &mut buffer).unwrap().unwrap();
            assert_eq!((stat.size, id), (size as u64, blob_id(&bytes)));
        }
    }
}
