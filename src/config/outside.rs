//! What lies outside the text of the configuration: the environment and files.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// Largest configuration, secret or calendar file that is read.
const FILE_LIMIT_BYTES: u64 = 1 << 20;

/// What the configuration may look at beside its own text: the environment and files.
pub struct Outside<'a> {
    /// Environment variables by name.
    pub variables: BTreeMap<String, String>,
    /// The folder that relative paths start from: the one of the configuration file.
    pub folder: PathBuf,
    /// Reads a whole text file.
    pub read_file: &'a dyn Fn(&Path) -> io::Result<String>,
}

impl Outside<'_> {
    /// The environment of this process and its files. Variables that are no UTF-8 are left out.
    pub fn process(folder: PathBuf) -> Outside<'static> {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Outside { variables, folder, read_file: &read_text_file }
    }

    /// Reads a file whose path is absolute or relative to the configuration's folder.
    pub(super) fn read(&self, path: &str) -> io::Result<String> {
        (self.read_file)(&self.folder.join(path))
    }
}

/// Reads a text file, which must not be too large.
pub(super) fn read_text_file(path: &Path) -> io::Result<String> {
    use io::Read;
    let mut text = String::new();
    std::fs::File::open(path)?.take(FILE_LIMIT_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > FILE_LIMIT_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the file is larger than 1 MiB"));
    }
    Ok(text)
}
