//! A layout as a file, a tar, and as a folder. Both are read as if an attacker had written them: nothing is unpacked onto the disk, and
//! whatever a layout does not have is refused, not skipped.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tar::{Archive, Builder, EntryType, Header};

use super::error::LayoutError;
use super::layout::{LARGEST_LAYOUT, LARGEST_MANIFEST, Layout, MOST_BLOBS};
use super::oci::Index;
use crate::digest::Digest;

/// The file that says that a folder is a layout.
const MARK: &str = "oci-layout";
const INDEX_FILE: &str = "index.json";
const BLOBS: &str = "blobs/sha256";

/// How large a packed file may be, in bytes: what a layout may hold, and what a tar takes beside it.
const LARGEST_FILE: u64 = LARGEST_LAYOUT + (16 << 20);

/// What stands in `oci-layout`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mark {
    image_layout_version: String,
}

impl Layout {
    /// Tells whether a path is a layout: a file that begins like a tar, or a folder with `oci-layout`.
    pub fn is_at(path: &Path) -> bool {
        if path.is_dir() { path.join(MARK).is_file() } else { is_tar(path).unwrap_or(false) }
    }

    /// Reads a layout from a file or a folder.
    ///
    /// # Errors
    ///
    /// Fails when it cannot be read, is no layout, or holds something that no layout has.
    pub fn read(path: &Path) -> Result<Self, LayoutError> {
        if path.is_dir() { Self::read_folder(path) } else { Self::parse(&read(path)?) }
    }

    /// Reads a layout from the content of a packed file.
    ///
    /// # Errors
    ///
    /// Fails when it is no layout, or holds something that no layout has.
    pub fn parse(tar: &[u8]) -> Result<Self, LayoutError> {
        let mut reading = Reading::default();
        let mut archive = Archive::new(tar);
        for (place, entry) in archive.entries().map_err(LayoutError::Tar)?.enumerate() {
            if place > 2 * MOST_BLOBS {
                return Err(LayoutError::TooMany { limit: MOST_BLOBS });
            }
            let mut entry = entry.map_err(LayoutError::Tar)?;
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            match kind(entry.header().entry_type()) {
                Kind::File => {}
                Kind::Folder if is_folder(&name) => continue,
                Kind::Folder => return Err(LayoutError::StrangeEntry(name)),
                Kind::Other(kind) => return Err(LayoutError::NotAFile { name, kind }),
            }
            // What the header says of the size is no reason to set memory aside.
            let mut content = Vec::new();
            entry.read_to_end(&mut content).map_err(LayoutError::Tar)?;
            if content.len() as u64 != entry.size() {
                return Err(LayoutError::Tar(io::ErrorKind::UnexpectedEof.into()));
            }
            reading.take(&name, content)?;
        }
        reading.finish()
    }

    fn read_folder(folder: &Path) -> Result<Self, LayoutError> {
        let mut reading = Reading::default();
        let mut names = vec![MARK.to_owned(), INDEX_FILE.to_owned()];
        let blobs = folder.join(BLOBS);
        for entry in fs::read_dir(&blobs).map_err(failed("read", &blobs))? {
            let name = entry.map_err(failed("read", &blobs))?.file_name();
            names.push(format!("{BLOBS}/{}", name.to_string_lossy()));
        }
        names[2..].sort();
        for name in names {
            let path = folder.join(&name);
            let metadata = fs::symlink_metadata(&path).map_err(failed("read", &path))?;
            if !metadata.is_file() {
                let kind = if metadata.is_symlink() { "a link" } else { "a folder or a device" };
                return Err(LayoutError::NotAFile { name, kind });
            }
            reading.take(&name, read_file(&path, LARGEST_LAYOUT)?)?;
        }
        reading.finish()
    }

    /// Returns the content of the layout's file. The same layout always gives the same bytes.
    ///
    /// # Panics
    ///
    /// Never: writing to memory does not fail.
    pub fn to_tar(&self) -> Vec<u8> {
        let mut tar = Builder::new(Vec::new());
        let write = "writing to memory does not fail";
        for folder in FOLDERS {
            append(&mut tar, &format!("{folder}/"), EntryType::Directory, &[]).expect(write);
        }
        for (name, content) in self.documents() {
            append(&mut tar, name, EntryType::Regular, &content).expect(write);
        }
        for (digest, blob) in self.blobs() {
            append(&mut tar, &format!("{BLOBS}/{digest}"), EntryType::Regular, blob).expect(write);
        }
        tar.into_inner().expect(write)
    }

    /// Writes the layout as a folder, or into the folder that it was read from. The index comes last: whoever reads the folder meanwhile finds all
    /// that it names.
    ///
    /// # Errors
    ///
    /// Fails when it cannot be written.
    pub fn write_folder(&self, folder: &Path) -> Result<(), LayoutError> {
        let blobs = folder.join(BLOBS);
        fs::create_dir_all(&blobs).map_err(failed("create", &blobs))?;
        let mut named = BTreeSet::new();
        for (digest, blob) in self.blobs() {
            let path = blobs.join(digest.to_string());
            if !path.exists() {
                write_file(&path, blob)?;
            }
            named.insert(path);
        }
        for (name, content) in self.documents() {
            write_file(&folder.join(name), &content)?;
        }
        for entry in fs::read_dir(&blobs).map_err(failed("read", &blobs))? {
            let path = entry.map_err(failed("read", &blobs))?.path();
            if !named.contains(&path) {
                fs::remove_file(&path).map_err(failed("remove", &path))?;
            }
        }
        Ok(())
    }

    /// Returns the two documents that every layout has.
    fn documents(&self) -> [(&'static str, Vec<u8>); 2] {
        let mark = Mark { image_layout_version: "1.0.0".to_owned() };
        let plain = "plain data";
        let index = serde_json::to_vec(&self.index()).expect(plain);
        [(MARK, serde_json::to_vec(&mark).expect(plain)), (INDEX_FILE, index)]
    }
}

/// The folders of a layout.
const FOLDERS: [&str; 2] = ["blobs", BLOBS];

/// Tells whether a name is that of a layout's folder, in one of the ways that tools write it.
fn is_folder(name: &str) -> bool {
    let name = name.trim_end_matches('/');
    let name = name.strip_prefix("./").unwrap_or(name);
    name == "." || FOLDERS.contains(&name)
}

/// Tells whether a file begins like a tar, all forms of which have the same word in the first header.
fn is_tar(path: &Path) -> io::Result<bool> {
    let mut header = [0; 512];
    File::open(path)?.read_exact(&mut header)?;
    Ok(&header[257..262] == b"ustar")
}

/// A layout of which some entries have been read.
#[derive(Default)]
struct Reading {
    layout: Layout,
    names: BTreeSet<String>,
    marked: bool,
    index: Option<Index>,
}

impl Reading {
    fn take(&mut self, name: &str, content: Vec<u8>) -> Result<(), LayoutError> {
        // Tools that pack a folder write its files this way.
        let name = name.strip_prefix("./").unwrap_or(name);
        if !self.names.insert(name.to_owned()) {
            return Err(LayoutError::Twice(name.to_owned()));
        }
        let document = |what| move |source| LayoutError::NotUnderstood { what, source };
        if name == MARK {
            let mark: Mark = serde_json::from_slice(&content).map_err(document("`oci-layout`"))?;
            self.marked = mark.image_layout_version == "1.0.0";
        } else if name == INDEX_FILE {
            if content.len() as u64 > LARGEST_MANIFEST {
                return Err(LayoutError::LargeManifest { limit: LARGEST_MANIFEST });
            }
            self.index = Some(serde_json::from_slice(&content).map_err(document("`index.json`"))?);
        } else {
            let said = name.strip_prefix(BLOBS).and_then(|rest| Digest::parse(rest.strip_prefix('/')?));
            let said = said.ok_or_else(|| LayoutError::StrangeEntry(name.to_owned()))?;
            let digest = self.layout.add_blob(content)?;
            if digest != said {
                return Err(LayoutError::WrongDigest { said, digest });
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Layout, LayoutError> {
        if !self.marked {
            return Err(LayoutError::Missing(MARK));
        }
        self.layout.set_index(self.index.ok_or(LayoutError::Missing(INDEX_FILE))?);
        Ok(self.layout)
    }
}

/// What an entry of a tar is.
pub(super) enum Kind {
    File,
    Folder,
    Other(&'static str),
}

pub(super) fn kind(kind: EntryType) -> Kind {
    match kind {
        EntryType::Regular | EntryType::Continuous => Kind::File,
        EntryType::Directory => Kind::Folder,
        EntryType::Link | EntryType::Symlink => Kind::Other("a link"),
        EntryType::Char | EntryType::Block | EntryType::Fifo => Kind::Other("a device"),
        _ => Kind::Other("of an unusual kind"),
    }
}

/// Appends an entry that says nothing of who wrote it, where and when.
pub(super) fn append(tar: &mut Builder<Vec<u8>>, name: &str, kind: EntryType, content: &[u8]) -> io::Result<()> {
    let mut header = Header::new_ustar();
    header.set_path(name)?;
    header.set_entry_type(kind);
    header.set_mode(if kind == EntryType::Directory { 0o755 } else { 0o644 });
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(content.len() as u64);
    header.set_cksum();
    tar.append(&header, content)
}

pub(super) fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LayoutError {
    let path = path.to_owned();
    move |source| LayoutError::File { doing, path, source }
}

/// Reads a packed file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, LayoutError> {
    read_file(path, LARGEST_FILE)
}

/// Reads a file up to a limit.
fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, LayoutError> {
    let mut content = Vec::new();
    let file = File::open(path).map_err(failed("read", path))?;
    file.take(limit + 1).read_to_end(&mut content).map_err(failed("read", path))?;
    if content.len() as u64 > limit { Err(LayoutError::TooLarge { limit }) } else { Ok(content) }
}

/// Writes a file whole or not at all. A device or a pipe is written to as it is: a file in its place would take it away from everybody else.
///
/// # Errors
///
/// Fails when it cannot be written.
pub fn write_file(path: &Path, content: &[u8]) -> Result<(), LayoutError> {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> io::Result<()> {
        if fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
            return fs::write(path, content);
        }
        let mode = fs::Permissions::from_mode(0o644);
        let mut file = tempfile::Builder::new().permissions(mode).tempfile_in(folder)?;
        file.write_all(content)?;
        // A machine that loses its power must not come back with an empty file under this name.
        file.as_file().sync_all()?;
        file.persist(PathBuf::from(path))?;
        Ok(())
    };
    write().map_err(failed("write", path))
}
