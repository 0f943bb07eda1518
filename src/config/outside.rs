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
    /// Whether the secrets must be there. Otherwise those that are not are warned of, and something else
    /// stands in their place.
    pub needs_secrets: bool,
    /// Reads a whole file.
    pub read_file: &'a dyn Fn(&Path) -> io::Result<Vec<u8>>,
}

impl Outside<'_> {
    /// The environment of this process and its files. Variables that are no UTF-8 are left out.
    pub fn process(folder: PathBuf) -> Outside<'static> {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Outside { variables, folder, needs_secrets: true, read_file: &read_file }
    }

    /// Reads a file whose path is absolute or relative to the configuration's folder.
    pub(super) fn read_bytes(&self, path: &str) -> io::Result<Vec<u8>> {
        (self.read_file)(&self.folder.join(path))
    }

    /// As [`Outside::read_bytes`], for a file of text.
    pub(super) fn read(&self, path: &str) -> io::Result<String> {
        self.read_bytes(path).and_then(utf8)
    }
}

/// Reads a file, which must not be too large.
pub(super) fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    use io::Read;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(FILE_LIMIT_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_LIMIT_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the file is larger than 1 MiB"));
    }
    Ok(bytes)
}

pub(super) fn utf8(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the file is not UTF-8"))
}
