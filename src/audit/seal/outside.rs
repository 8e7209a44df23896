//! Checkpoints outside the database: whoever can write the database cannot change these (AUD-4).

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use crate::foundation::crypto::secret::random_bytes;

/// The folder in the data folder.
const FOLDER: &str = "audit";
const HOURLY: &str = "checkpoints.log";

/// The files of a node.
#[derive(Debug, Clone)]
pub struct CheckpointFiles {
    folder: PathBuf,
}

impl CheckpointFiles {
    /// Returns the files in a data folder, which need not exist.
    pub fn new(data_dir: &Path) -> Self {
        Self { folder: data_dir.join(FOLDER) }
    }

    /// Returns the path of the latest checkpoint.
    pub fn latest(&self) -> PathBuf {
        self.folder.join("checkpoint")
    }

    /// Reads the latest checkpoint. `None` if there is none.
    ///
    /// Errors: it cannot be read.
    pub fn read(&self) -> io::Result<Option<String>> {
        match fs::read_to_string(self.latest()) {
            Ok(note) => Ok(Some(note)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads the latest checkpoint and the hourly ones.
    ///
    /// Errors: a file cannot be read.
    pub fn read_all(&self) -> io::Result<Vec<String>> {
        let hourly = match fs::read_to_string(self.folder.join(HOURLY)) {
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            read => read?,
        };
        Ok(split_notes(&hourly).into_iter().chain(self.read()?).collect())
    }

    /// Replaces the latest checkpoint. After a power failure there is either the old one or the new one.
    ///
    /// Errors: it cannot be written.
    pub fn replace(&self, note: &str) -> io::Result<()> {
        self.create_folder()?;
        let new = self.folder.join(format!("checkpoint.{}", hex::encode(random_bytes::<8>()))); // nodes may share the folder
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(note.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, self.latest())?;
        File::open(&self.folder)?.sync_all()
    }

    /// Appends a checkpoint to the file of hourly ones, with an empty line after it.
    ///
    /// Errors: it cannot be written.
    pub fn append(&self, note: &str) -> io::Result<()> {
        self.create_folder()?;
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(self.folder.join(HOURLY))?;
        file.write_all(format!("\n{note}\n").as_bytes())?; // an empty line before it, too: the one before may be torn
        file.sync_all()
    }

    fn create_folder(&self) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)
    }
}

/// Splits notes that follow each other: three lines, an empty one, and lines of signatures. What is no note, such as half of one after a
/// power failure, is left out.
fn split_notes(text: &str) -> Vec<String> {
    let blocks: Vec<_> = text.split("\n\n").map(|block| block.trim_matches('\n')).collect();
    let is_signature = |block: &str| block.lines().all(|line| line.starts_with('\u{2014}')) && !block.is_empty();
    let pairs = blocks.windows(2).filter(|pair| !is_signature(pair[0]) && is_signature(pair[1]));
    // A half before it stands in the same block.
    let body = |block: &str| block.lines().rev().take(3).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n");
    pairs.map(|pair| format!("{}\n\n{}\n", body(pair[0]), pair[1])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_note_hides_no_other_one() {
        let note = |size: u32| format!("log\n{size}\nroot\n\n\u{2014} log signature\n");
        let folder = tempfile::tempdir().unwrap();
        let files = CheckpointFiles::new(folder.path());
        assert_eq!(files.read_all().unwrap(), Vec::<String>::new());
        files.append(&note(1)).unwrap();
        fs::OpenOptions::new().append(true).open(folder.path().join("audit/checkpoints.log")).unwrap().write_all(b"log\n2\nro").unwrap();
        files.append(&note(3)).unwrap();
        files.append(&note(4)).unwrap();
        files.replace(&note(5)).unwrap();
        files.replace(&note(6)).unwrap();
        let kept = files.read_all().unwrap();
        assert!(kept.starts_with(&[note(1)]) && kept.ends_with(&[note(4), note(6)]), "{kept:?}");
        assert_eq!(fs::read_dir(folder.path().join("audit")).unwrap().count(), 2);
    }
}
