//! Bytes that wait to be printed: in memory up to a limit, beyond it in one temporary file. What commands print may be secret, so
//! the file is for its owner alone and has no name. Prints nothing.

use rand::RngExt;
use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, OpenOptionsExt};

/// What is taken at once, about.
const CHUNK: usize = 64 * 1024;
/// Names that are tried for the file.
const TRIES: usize = 16;

/// Some bytes, in memory or in the file.
#[derive(Debug)]
enum Piece {
    Memory(Vec<u8>),
    Disk { at: u64, length: u64 },
}

/// Bytes in their order; the store knows where they are.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    list: VecDeque<Piece>,
    length: u64,
}

impl Pieces {
    /// How many bytes.
    pub(super) fn len(&self) -> u64 {
        self.length
    }

    /// Puts others behind these.
    pub(super) fn append(&mut self, mut others: Self) {
        self.list.append(&mut others.list);
        self.length += others.length;
    }
}

/// Memory and file of all pieces.
#[derive(Debug)]
pub(super) struct Store {
    /// Bytes in memory, and how many there may be.
    memory: usize,
    limit: usize,
    file: Option<File>,
    /// Where the file goes on, and how many of its bytes are still to be read.
    end: u64,
    unread: u64,
    warned: bool,
}

impl Store {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            memory: 0,
            limit,
            file: None,
            end: 0,
            unread: 0,
            warned: false,
        }
    }

    /// Puts bytes behind the pieces. What the file cannot take stays in memory: output is not lost for want of room on a disk.
    pub(super) fn add(&mut self, pieces: &mut Pieces, bytes: &[u8]) {
        let Ok(length) = u64::try_from(bytes.len()) else {
            return;
        };
        pieces.length += length;
        if self.memory.saturating_add(bytes.len()) > self.limit {
            match self.spill(bytes, length) {
                Ok(at) => return on_disk(pieces, at, length),
                Err(error) => self.warn(&error),
            }
        }
        self.memory += bytes.len();
        match pieces.list.back_mut() {
            Some(Piece::Memory(last)) if last.len() < CHUNK => last.extend_from_slice(bytes),
            _ => pieces.list.push_back(Piece::Memory(bytes.to_vec())),
        }
    }

    /// Takes the first bytes of the pieces; `None` if there are no more.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn take(&mut self, pieces: &mut Pieces) -> io::Result<Option<Vec<u8>>> {
        let Some(piece) = pieces.list.pop_front() else {
            return Ok(None);
        };
        let bytes = match piece {
            Piece::Memory(bytes) => {
                self.memory = self.memory.saturating_sub(bytes.len());
                bytes
            }
            Piece::Disk { at, length } => {
                let bytes = self.read(at, length)?;
                let read = bytes.len() as u64;
                if read < length {
                    pieces.list.push_front(Piece::Disk {
                        at: at + read,
                        length: length - read,
                    });
                }
                bytes
            }
        };
        pieces.length = pieces.length.saturating_sub(bytes.len() as u64);
        Ok(Some(bytes))
    }

    fn spill(&mut self, bytes: &[u8], length: u64) -> io::Result<u64> {
        let file = match self.file.take() {
            Some(file) => file,
            None => nameless()?,
        };
        let at = self.end;
        let written = file.write_all_at(bytes, at);
        self.file = Some(file);
        written?;
        self.end += length;
        self.unread += length;
        Ok(at)
    }

    fn read(&mut self, at: u64, length: u64) -> io::Result<Vec<u8>> {
        let file = self.file.as_ref().ok_or(ErrorKind::NotFound)?;
        let wanted = usize::try_from(length).map_or(CHUNK, |length| length.min(CHUNK));
        let mut bytes = vec![0; wanted];
        file.read_exact_at(&mut bytes, at)?;
        self.unread = self.unread.saturating_sub(wanted as u64);
        if self.unread == 0 {
            // All has been read: the room is given back.
            file.set_len(0)?;
            self.end = 0;
        }
        Ok(bytes)
    }

    fn warn(&mut self, error: &io::Error) {
        if !std::mem::replace(&mut self.warned, true) {
            let place = std::env::temp_dir();
            tracing::warn!(
                "output that waits stays in memory: no temporary file in `{}`: {error}",
                place.display()
            );
        }
    }
}

fn on_disk(pieces: &mut Pieces, begin: u64, more: u64) {
    match pieces.list.back_mut() {
        Some(Piece::Disk { at, length }) if *at + *length == begin => *length += more,
        _ => pieces.list.push_back(Piece::Disk {
            at: begin,
            length: more,
        }),
    }
}

/// A file for its owner alone, whose name is gone at once.
fn nameless() -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true).mode(0o600);
    let place = std::env::temp_dir();
    for _ in 0..TRIES {
        let number = rand::rng().random_range(0..u64::MAX);
        let path = place.join(format!("asiaq-{number:016x}"));
        match options.open(&path) {
            Ok(file) => return std::fs::remove_file(&path).map(|()| file),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use std::os::unix::fs::MetadataExt;

    fn all(store: &mut Store, pieces: &mut Pieces) -> Vec<u8> {
        let mut bytes = Vec::new();
        while let Some(more) = store.take(pieces).unwrap() {
            bytes.extend(more);
        }
        assert_eq!(pieces.len(), 0);
        bytes
    }

    #[test]
    fn what_is_put_in_comes_out_whatever_the_limit() {
        let said = |host: u8| -> Vec<Vec<u8>> { (0..9).map(|n| vec![host * 16 + n; 7]).collect() };
        for limit in [0, 1, 20, 70, 1000] {
            let mut store = Store::new(limit);
            let (mut one, mut two) = (Pieces::default(), Pieces::default());
            for (a, b) in said(1).iter().zip(&said(2)) {
                store.add(&mut one, a);
                store.add(&mut two, b);
                assert!(store.memory <= limit, "{limit}");
            }
            assert_eq!(store.file.is_some(), limit < 126, "{limit}");
            assert_eq!(one.len(), 63);
            assert_eq!(all(&mut store, &mut two), said(2).concat(), "{limit}");
            // What has been read makes room again.
            store.add(&mut one, b"more");
            let expected = [said(1).concat(), b"more".to_vec()].concat();
            assert_eq!(all(&mut store, &mut one), expected, "{limit}");
            assert_eq!((store.memory, store.unread, store.end), (0, 0, 0));
        }
    }

    #[test]
    fn much_is_read_back_in_small_parts() {
        let mut store = Store::new(0);
        let mut pieces = Pieces::default();
        let bytes: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
        store.add(&mut pieces, &bytes);
        assert_eq!(store.take(&mut pieces).unwrap().unwrap().len(), CHUNK);
        assert_eq!(all(&mut store, &mut pieces), bytes[CHUNK..]);
    }

    #[test]
    fn nobody_else_can_read_the_file() {
        let found = nameless().unwrap().metadata().unwrap();
        assert_eq!((found.mode() & 0o777, found.nlink()), (0o600, 0));
    }
}
