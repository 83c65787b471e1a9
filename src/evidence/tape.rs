//! Records one after the other, read from the beginning as often as one likes: in memory while they are
//! few, and then in a scratch file, so that a run of any length takes the memory of a block.

use std::cell::OnceCell;
use std::fmt;
use std::io;

/// Room outside of memory, which is gone when it is let go.
pub trait Scratch {
    /// Writes all bytes at a place.
    ///
    /// # Errors
    /// When the medium fails.
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Reads as many bytes as fit, from a place.
    ///
    /// # Errors
    /// When the medium fails, or has fewer.
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()>;
}

/// How many bytes are written, and read, at once.
const BLOCK: usize = 1 << 18;

/// Records of a kind.
#[derive(Default)]
pub(super) struct Tape {
    /// Where each block in the scratch file ends; no record lies in two.
    ends: Vec<u64>,
    /// The records since then.
    open: Vec<u8>,
    scratch: Option<Box<dyn Scratch>>,
    /// Whether the scratch file takes no more: from then on memory is all there is.
    full: bool,
    /// Why the scratch file could not be read back, if it could not.
    lost: OnceCell<io::Error>,
}

impl Tape {
    pub(super) fn new(scratch: Option<Box<dyn Scratch>>) -> Self {
        Self { scratch, ..Self::default() }
    }

    /// Adds what `record` writes, as one record.
    pub(super) fn push(&mut self, record: impl FnOnce(&mut Vec<u8>)) {
        record(&mut self.open);
        if self.open.len() < BLOCK || self.full {
            return;
        }
        let Some(scratch) = &mut self.scratch else { return };
        let offset = self.ends.last().copied().unwrap_or(0);
        if scratch.write_at(&self.open, offset).is_ok() {
            self.ends.push(offset + self.open.len() as u64);
            self.open.clear();
        } else {
            self.full = true;
        }
    }

    /// All records from the first, each by `decode`, which takes its bytes off the front.
    pub(super) fn read<T, D: Fn(&mut &[u8]) -> T>(&self, decode: D) -> Reader<'_, D> {
        Reader { tape: self, block: 0, bytes: Vec::new(), at: 0, decode }
    }

    /// Why not all of it could be read back, if it could not.
    pub(super) fn lost(&self) -> Option<&io::Error> {
        self.lost.get()
    }
}

impl fmt::Debug for Tape {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ends, open, .. } = self;
        write!(formatter, "Tape({} bytes + {} in memory)", ends.last().unwrap_or(&0), open.len())
    }
}

/// Reads a tape from its first record to its last.
pub(super) struct Reader<'a, D> {
    tape: &'a Tape,
    /// The block in hand; that behind the last of the file is in memory.
    block: usize,
    bytes: Vec<u8>,
    at: usize,
    decode: D,
}

impl<D> Reader<'_, D> {
    /// Reads the block in hand, if it is in the file and not read yet.
    fn fill(&mut self) -> Option<()> {
        let end = self.tape.ends[self.block];
        let from = self.block.checked_sub(1).map_or(0, |before| self.tape.ends[before]);
        self.bytes.resize(usize::try_from(end - from).unwrap_or(usize::MAX), 0);
        if let Err(error) = self.tape.scratch.as_ref()?.read_at(&mut self.bytes, from) {
            let _ = self.tape.lost.set(error);
            return None;
        }
        Some(())
    }
}

impl<T, D: Fn(&mut &[u8]) -> T> Iterator for Reader<'_, D> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        while self.block < self.tape.ends.len() {
            if self.at == 0 {
                self.fill()?;
            }
            if self.at < self.bytes.len() {
                let mut rest = &self.bytes[self.at..];
                let value = (self.decode)(&mut rest);
                self.at = self.bytes.len() - rest.len();
                return Some(value);
            }
            (self.block, self.at) = (self.block + 1, 0);
        }
        let mut rest = self.tape.open.get(self.at..).filter(|rest| !rest.is_empty())?;
        let value = (self.decode)(&mut rest);
        self.at = self.tape.open.len() - rest.len();
        Some(value)
    }
}

/// Writes a number, in seven bits a byte, the lowest first.
pub(super) fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(low_byte(number) | 0x80);
        number >>= 7;
    }
    bytes.push(low_byte(number));
}

/// Writes a number that may be below 0.
pub(super) fn put_signed(bytes: &mut Vec<u8>, number: i64) {
    put(bytes, ((number << 1) ^ (number >> 63)).cast_unsigned());
}

/// Writes a number, or that there is none.
pub(super) fn put_some(bytes: &mut Vec<u8>, number: Option<u64>) {
    bytes.push(u8::from(number.is_some()));
    if let Some(number) = number {
        put(bytes, number);
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the lowest byte is meant")]
const fn low_byte(number: u64) -> u8 {
    number as u8
}

/// Takes a byte.
pub(super) fn byte(bytes: &mut &[u8]) -> u8 {
    let (first, rest) = bytes.split_first().expect("what was written is read");
    *bytes = rest;
    *first
}

/// Takes what [`put`] wrote.
pub(super) fn number(bytes: &mut &[u8]) -> u64 {
    let (mut number, mut shift) = (0, 0);
    loop {
        let next = byte(bytes);
        number |= u64::from(next & 0x7f) << shift;
        if next < 0x80 {
            return number;
        }
        shift += 7;
    }
}

/// Takes a number that was one of four bytes.
pub(super) fn small(bytes: &mut &[u8]) -> u32 {
    u32::try_from(number(bytes)).expect("a number of four bytes was written")
}

/// Takes what [`put_signed`] wrote.
pub(super) fn signed(bytes: &mut &[u8]) -> i64 {
    let number = number(bytes);
    (number >> 1).cast_signed() ^ -((number & 1).cast_signed())
}

/// Takes what [`put_some`] wrote.
pub(super) fn some(bytes: &mut &[u8]) -> Option<u64> {
    (byte(bytes) == 1).then(|| number(bytes))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use proptest::prelude::*;

    use super::*;

    /// A scratch file that can be made to fail.
    #[derive(Clone, Default)]
    struct Paper(Rc<RefCell<Vec<u8>>>);

    impl Scratch for Paper {
        fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
            assert_eq!(offset, self.0.borrow().len() as u64);
            self.0.borrow_mut().extend_from_slice(bytes);
            Ok(())
        }

        fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
            let from = usize::try_from(offset).unwrap();
            let held = self.0.borrow();
            let held = held.get(from..from + bytes.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
            bytes.copy_from_slice(held);
            Ok(())
        }
    }

    fn written(scratch: Option<Box<dyn Scratch>>, count: u64) -> Tape {
        let mut tape = Tape::new(scratch);
        (0..count).for_each(|number| tape.push(|bytes| put(bytes, number)));
        tape
    }

    #[test]
    fn what_was_written_is_read_in_its_order_as_often_as_one_likes() {
        let paper = Paper::default();
        for tape in [written(None, 200_000), written(Some(Box::new(paper.clone())), 200_000)] {
            for _ in 0..2 {
                assert!(tape.read(number).eq(0..200_000));
            }
        }
        assert!(paper.0.borrow().len() >= BLOCK, "it went to the file");
    }

    #[test]
    fn what_cannot_be_read_back_is_known_to_be_lost() {
        let paper = Paper::default();
        let tape = written(Some(Box::new(paper.clone())), 200_000);
        paper.0.borrow_mut().truncate(9);
        assert_eq!(tape.read(number).count(), 0);
        assert_eq!(tape.lost().map(io::Error::kind), Some(io::ErrorKind::UnexpectedEof));
    }

    proptest! {
        #[test]
        fn numbers_come_back(plain in any::<u64>(), signed_one in any::<i64>(), maybe: Option<u64>) {
            let mut bytes = Vec::new();
            put(&mut bytes, plain);
            put_signed(&mut bytes, signed_one);
            put_some(&mut bytes, maybe);
            let mut rest = &bytes[..];
            prop_assert_eq!((number(&mut rest), signed(&mut rest)), (plain, signed_one));
            prop_assert_eq!((some(&mut rest), rest), (maybe, &[][..]));
        }
    }
}
