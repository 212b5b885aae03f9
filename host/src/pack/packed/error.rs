//! Why a packed pack is refused.

use std::io;
use std::path::PathBuf;

use crate::digest::Digest;
use crate::escape::{self, terminal};
use crate::pack::signature::DetachedError;
use crate::sandbox::ComponentFault;

/// Why an image layout is refused.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// A file or folder cannot be read or written.
    #[error("failed to {doing} `{}`", escape::path(path))]
    File {
        /// The verb.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is no tar, or broken.
    #[error("it is no pack: it is not a tar file that can be read")]
    Tar(#[source] io::Error),
    /// It ends too early.
    #[error("it is no pack, or was cut off: `{0}` is missing")]
    Missing(&'static str),
    /// An entry that no layout has: another name, a path that leads elsewhere.
    #[error("it has an entry `{}`, which no pack has", terminal(.0))]
    StrangeEntry(String),
    /// An entry that is no plain file: a link, a device.
    #[error("its entry `{}` is {kind}, and a pack has plain files only", terminal(name))]
    NotAFile {
        /// The entry's name.
        name: String,
        /// What it is.
        kind: &'static str,
    },
    /// An entry that comes twice.
    #[error("its entry `{}` comes twice", terminal(.0))]
    Twice(String),
    /// There is too much in it.
    #[error("it holds more than {} MiB", limit >> 20)]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// There are too many things in it.
    #[error("it holds more than {limit} entries")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// There are more signatures than anybody needs.
    #[error("it has more than {limit} signatures")]
    TooManySignatures {
        /// The limit.
        limit: usize,
    },
    /// A manifest is too large.
    #[error("a manifest of it is larger than {} MiB", limit >> 20)]
    LargeManifest {
        /// The limit in bytes.
        limit: u64,
    },
    /// A blob is not what its name says.
    #[error("what stands under the digest sha256:{said} has the digest sha256:{digest}: it was changed or damaged")]
    WrongDigest {
        /// What its name says.
        said: Digest,
        /// What it is.
        digest: Digest,
    },
    /// A blob is not there.
    #[error("it names a part with the digest sha256:{digest}, which is not there")]
    NoBlob {
        /// Its digest.
        digest: Digest,
    },
    /// A blob is not of the size that is said of it.
    #[error("the part with the digest sha256:{digest} has {size} bytes, and {said} are said of it")]
    WrongSize {
        /// Its digest.
        digest: Digest,
        /// What is said, in bytes.
        said: u64,
        /// What it is, in bytes.
        size: u64,
    },
    /// A document cannot be understood.
    #[error("{what} of it cannot be understood")]
    NotUnderstood {
        /// Which.
        what: &'static str,
        /// Why not.
        source: serde_json::Error,
    },
    /// A document of another kind.
    #[error("it holds `{}` where the manifest of a pack should be", terminal(.0))]
    NoManifest(String),
    /// Not one pack.
    #[error("it holds {number} packs or images, where it should hold one pack")]
    NotOnePack {
        /// How many.
        number: usize,
    },
}

/// Why a packed pack is refused.
#[derive(Debug, thiserror::Error)]
pub enum PackedError {
    /// Its layout is.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The signatures beside it cannot be read.
    #[error(transparent)]
    Signatures(#[from] DetachedError),
    /// It is an image or an artifact of another kind.
    #[error("it is no rule pack: its artifact type is `{}`", terminal(found))]
    NoPack {
        /// What it says it is.
        found: String,
    },
    /// It was made by a newer program, or another.
    #[error("it has a layer of the kind `{}`, which this host does not know", terminal(.0))]
    StrangeLayer(String),
    /// What says what it holds is missing, twice, or not understood.
    #[error("what it says of its contents cannot be understood: {}", terminal(.0))]
    Contents(String),
    /// A rule that is said and not there, or there and not said.
    #[error("the rule file `{}` is {problem}", terminal(file))]
    Rules {
        /// Its name.
        file: String,
        /// What is the matter.
        problem: &'static str,
    },
    /// A rule is none.
    #[error("its rule file `{}` is no rule: {}", terminal(file), terminal(&fault.to_string()))]
    Component {
        /// The file's name.
        file: String,
        /// Why not.
        fault: ComponentFault,
    },
    /// It says what is not so.
    #[error("it does not tell the truth about {what}{}", of.as_ref().map(|file| format!(" of the rule file `{}`", terminal(file))).unwrap_or_default())]
    Lie {
        /// Of what.
        what: &'static str,
        /// Of which rule.
        of: Option<String>,
    },
    /// A file that no pack has.
    #[error("it holds a file `{}`, which no pack has", terminal(.0))]
    StrangeFile(String),
    /// It needs a newer host.
    #[error("it needs orgwatch-host {needed} or newer, and this is {}", env!("CARGO_PKG_VERSION"))]
    OldHost {
        /// The version.
        needed: semver::Version,
    },
}
