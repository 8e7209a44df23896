//! Checkpoints outside the database: whoever can write the database cannot change these (AUD-4).

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

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
        // A note has one empty line within, before its signatures, and one after it.
        let notes = hourly.split_inclusive("\n\n").collect::<Vec<_>>();
        let notes = notes.chunks(2).map(|halves| halves.concat().trim_end_matches('\n').to_owned() + "\n");
        Ok(notes.chain(self.read()?).collect())
    }

    /// Replaces the latest checkpoint. After a power failure there is either the old one or the new one.
    ///
    /// Errors: it cannot be written.
    pub fn replace(&self, note: &str) -> io::Result<()> {
        self.create_folder()?;
        let new = self.folder.join("checkpoint.new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
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
        file.write_all(format!("{note}\n").as_bytes())?;
        file.sync_all()
    }

    fn create_folder(&self) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)
    }
}
