//! Room on the disk for what a judge has read: a file without a name, gone when it is closed.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::evidence::Scratch;

/// A file that nobody else can open.
struct ScratchFile(File);

impl Scratch for ScratchFile {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_exact_at(bytes, offset)
    }
}

/// Room beside a run's files or, where none may be made there, where temporary files are. Without
/// either, what is read stays in memory.
pub(super) fn in_folder(folder: &Path) -> Option<Box<dyn Scratch>> {
    let file = nameless(folder).or_else(|_| nameless(&std::env::temp_dir())).ok()?;
    Some(Box::new(ScratchFile(file)))
}

fn nameless(folder: &Path) -> io::Result<File> {
    for attempt in 0..100 {
        let path = folder.join(format!(".spike-{}-{attempt}", std::process::id()));
        match File::options().read(true).write(true).create_new(true).open(&path) {
            Ok(file) => return fs::remove_file(path).map(|()| file),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}
