use std::fs::File;
use std::io::{self, BufReader, Read};
use std::sync::Arc;

use foldhash::fast::RandomState;
use indexmap::IndexMap;

use super::frame::{FileId, HEADER_BYTES, PREFIX_BYTES, Prefix};
use super::key::Key;
use super::record::{KeptRenewal, Record, Renewed};

/// Returns how a verification is named in the index; no trunk's id begins so.
pub(crate) fn verification(id: &str) -> Arc<str> {
    format!("{VERIFICATION}{id}").into()
}

/// What a verification's name in the index begins with.
pub(crate) const VERIFICATION: char = '\0';

/// Where the latest record of a trunk or a verification is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) at: u64,
    pub(crate) number: u64,
    /// Of its sealed bytes.
    pub(crate) length: u32,
}

impl Slot {
    /// Returns how many bytes of the file it takes.
    pub(crate) fn bytes(self) -> u64 {
        PREFIX_BYTES as u64 + u64::from(self.length)
    }
}

/// What is known of a trunk or a verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Where it stands.
    pub(crate) slot: Slot,
    /// What has changed since.
    pub(crate) renewed: Option<Renewed>,
}

impl From<Slot> for Entry {
    fn from(slot: Slot) -> Self {
        Entry { slot, renewed: None }
    }
}

/// Where each trunk's and verification's latest record is. An index over a list: a million of them want half of what a map of them would.
pub(crate) type Index = IndexMap<Arc<str>, Entry, RandomState>;

/// What a file was found to hold.
#[derive(Debug)]
pub(crate) struct Scan {
    pub(crate) id: FileId,
    pub(crate) index: Index,
    /// Where the records end that can be read, a clean-stop marker not counted.
    pub(crate) end: u64,
    /// The edge was stopped in order.
    pub(crate) clean: bool,
    /// What follows the end.
    pub(crate) tail: Tail,
}

/// What follows the records that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    /// Nothing.
    None,
    /// So many bytes of a record that a crash left unfinished.
    Torn(u64),
    /// So many bytes that were something else once.
    Damaged(u64),
}

/// Why a file cannot be used at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// It does not begin as a state file does.
    Foreign,
    /// Its first record does not open.
    Locked,
}

/// Reads a whole file.
pub(crate) fn scan(file: &File, key: &Key) -> io::Result<Result<Scan, Unusable>> {
    let length = file.metadata()?.len();
    let mut from = BufReader::with_capacity(1 << 20, file);
    let mut header = [0; HEADER_BYTES];
    if !fill(&mut from, &mut header)? {
        return Ok(Err(Unusable::Foreign));
    }
    let Some(id) = FileId::read(&header) else { return Ok(Err(Unusable::Foreign)) };
    let mut scan = Scan { id, index: Index::default(), end: HEADER_BYTES as u64, clean: false, tail: Tail::None };
    let mut sealed = Vec::new();
    let mut number = None;
    let mut at = scan.end;
    loop {
        let mut prefix = [0; PREFIX_BYTES];
        let left = length.saturating_sub(at);
        if left == 0 {
            return Ok(Ok(scan));
        }
        if !fill(&mut from, &mut prefix)? {
            scan.tail = Tail::Torn(left);
            return Ok(Ok(scan));
        }
        let frame = Prefix::read(&prefix).filter(|frame| number.is_none_or(|number| frame.number > number));
        if let Some(frame) = frame {
            sealed.resize(frame.sealed, 0);
            if !fill(&mut from, &mut sealed)? {
                scan.tail = Tail::Torn(left);
                return Ok(Ok(scan));
            }
        }
        let plain = frame.and_then(|frame| id.open(key, frame.number, &sealed));
        let (Some(frame), Some(plain)) = (frame, plain) else {
            // A power cut may leave blocks of zeros where data had not arrived yet.
            let zeros = prefix == [0; PREFIX_BYTES] && only_zeros(&mut from)?;
            if number.is_none() && !zeros {
                return Ok(Err(Unusable::Locked));
            }
            scan.tail = if zeros { Tail::Torn(left) } else { Tail::Damaged(left) };
            return Ok(Ok(scan));
        };
        number = Some(frame.number);
        let slot = Slot { at, number: frame.number, length: u32::try_from(frame.sealed).unwrap_or(u32::MAX) };
        at += slot.bytes();
        scan.take(slot, &plain);
    }
}

impl Scan {
    fn take(&mut self, slot: Slot, plain: &[u8]) {
        self.clean = false;
        match Record::read(plain) {
            Some(Record::Save(kept) | Record::SaveFailed(kept, _) | Record::SaveMore(kept, _)) => {
                self.index.insert(kept.trunk.into(), slot.into());
            }
            Some(Record::Forget(subject)) => {
                self.index.swap_remove(subject);
            }
            Some(Record::Tried(tried)) => {
                self.index.insert(verification(tried.id), slot.into());
            }
            Some(Record::Renewed(renewals)) => {
                for KeptRenewal { trunk, renewed } in renewals {
                    if let Some(entry) = self.index.get_mut(trunk) {
                        entry.renewed = Some(renewed);
                    }
                }
            }
            // The marker is not counted to the records, so that it is cut off: what comes next is no longer clean.
            Some(Record::Clean) => {
                self.clean = true;
                return;
            }
            None => tracing::warn!("a record of the state file is of a kind that this release does not know; it is left out"),
        }
        self.end = slot.at + slot.bytes();
    }
}

/// Fills the whole buffer, or tells that the file ends before.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn only_zeros(from: &mut impl Read) -> io::Result<bool> {
    let mut chunk = [0; 4096];
    loop {
        match from.read(&mut chunk)? {
            0 => return Ok(true),
            count if chunk[..count].iter().any(|&byte| byte != 0) => return Ok(false),
            _ => {}
        }
    }
}
