//! A record in the file: length, number, sealed bytes.

use chacha20poly1305::XNonce;
use chacha20poly1305::aead::Aead;
use zeroize::Zeroizing;

use super::key::Key;

/// What a file begins with: the format and its version.
pub(crate) const MAGIC: [u8; 8] = *b"trnkst\0\x01";

/// [`MAGIC`] and the file's id.
pub(crate) const HEADER_BYTES: usize = 24;

/// Length and number of a frame.
pub(crate) const PREFIX_BYTES: usize = 12;

/// A resume is below 1 KiB; a nonce is as long as its header may be.
pub(crate) const SEALED_BYTES_MAX: usize = 64 * 1024;

/// The id of one file. With a frame's number it makes the cipher's nonce, so that no nonce comes twice: ids are random, and a file is
/// appended to only by the process that made it, with rising numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileId(pub(crate) [u8; 16]);

/// The length of a frame's sealed bytes, and its number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prefix {
    pub(crate) sealed: usize,
    pub(crate) number: u64,
}

impl Prefix {
    /// Reads a prefix; nothing if no frame can be so long or so short.
    pub(crate) fn read(bytes: &[u8; PREFIX_BYTES]) -> Option<Self> {
        let (length, number) = bytes.split_first_chunk::<4>()?;
        let sealed = usize::try_from(u32::from_le_bytes(*length)).ok().filter(|length| (17..=SEALED_BYTES_MAX).contains(length))?;
        Some(Prefix { sealed, number: u64::from_le_bytes(number.try_into().ok()?) })
    }
}

impl FileId {
    pub(crate) fn random() -> std::io::Result<Self> {
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(std::io::Error::other)?;
        Ok(FileId(id))
    }

    pub(crate) fn header(self) -> [u8; HEADER_BYTES] {
        let mut header = [0; HEADER_BYTES];
        header[..8].copy_from_slice(&MAGIC);
        header[8..].copy_from_slice(&self.0);
        header
    }

    /// Reads a header; nothing if it is another file's.
    pub(crate) fn read(header: &[u8; HEADER_BYTES]) -> Option<Self> {
        let (magic, id) = header.split_first_chunk::<8>()?;
        (*magic == MAGIC).then(|| id.try_into().ok().map(FileId)).flatten()
    }

    /// Appends a frame to `out` and returns its length. The plain text must be below [`SEALED_BYTES_MAX`].
    pub(crate) fn seal(self, key: &Key, number: u64, plain: &[u8], out: &mut Vec<u8>) -> Option<usize> {
        let sealed = key.cipher().encrypt(&self.nonce(number), plain).ok().filter(|sealed| sealed.len() <= SEALED_BYTES_MAX)?;
        out.extend_from_slice(&u32::try_from(sealed.len()).ok()?.to_le_bytes());
        out.extend_from_slice(&number.to_le_bytes());
        out.extend_from_slice(&sealed);
        Some(PREFIX_BYTES + sealed.len())
    }

    /// Opens the sealed bytes of a frame.
    pub(crate) fn open(self, key: &Key, number: u64, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        key.cipher().decrypt(&self.nonce(number), sealed).ok().map(Zeroizing::new)
    }

    fn nonce(self, number: u64) -> XNonce {
        let mut nonce = [0; 24];
        nonce[..16].copy_from_slice(&self.0);
        nonce[16..].copy_from_slice(&number.to_le_bytes());
        XNonce::from(nonce)
    }
}
