//! Where a new pack gets the SDK from: until it is published, a folder or a git repository.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use url::Url;

use crate::escape;

/// The SDK's package, and its folder in a checkout of this project.
const PACKAGE: &str = "orgwatch-rules-sdk";
const FOLDER: &str = "rules-sdk";

/// What `--sdk` says, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sdk {
    /// The SDK's own folder, from the root of the file system.
    Folder(PathBuf),
    /// A git repository that holds it.
    Git(Url),
}

/// Why there is no SDK to depend on.
#[derive(Debug, thiserror::Error)]
pub enum SdkError {
    /// None was named, and the program lies in no checkout.
    #[error(
        "the SDK is not published yet, and is not beside this program\nhint: name it with --sdk: a checkout of orgwatch, or the URL of \
         its git repository"
    )]
    NotFound,
    /// The folder holds no SDK.
    #[error("there is no SDK in `{}`\nhint: name a checkout of orgwatch, or its folder rules-sdk", escape::path(.0))]
    NoSdk(PathBuf),
    /// The folder cannot be read.
    #[error("failed to read `{}`", escape::path(path))]
    Read {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The folder's name would have to be quoted in files of three languages.
    #[error("the folder of the SDK, `{}`, has a quote, a backslash or a control character in its name", escape::path(.0))]
    Unquotable(PathBuf),
    /// No address that cargo takes.
    #[error("{0:?} is no git repository that cargo can reach\nhint: write it as https://… or ssh://git@host/path")]
    Address(String),
    /// The address holds a password, which would stand in Cargo.toml.
    #[error("the address of the SDK holds a password, which would stand in Cargo.toml\nhint: let git ask for it")]
    Password,
}

impl Sdk {
    /// Takes what was named, or finds the SDK beside the program.
    ///
    /// # Errors
    ///
    /// Fails where there is no SDK.
    pub fn of(named: Option<&str>, program: &Path) -> Result<Self, SdkError> {
        match named {
            None => {
                let checkout = checkout(program).ok_or(SdkError::NotFound)?;
                quotable(checkout.join(FOLDER)).map(Self::Folder)
            }
            Some(address) if address.contains("://") => git(address).map(Self::Git),
            // What git takes for the address of a host, and cargo does not.
            Some(address) if address.starts_with("git@") => Err(SdkError::Address(address.to_owned())),
            Some(path) => folder(Path::new(path)).map(Self::Folder),
        }
    }

    /// Returns where it is.
    pub fn place(&self) -> String {
        match self {
            Self::Folder(folder) => folder.to_string_lossy().into_owned(),
            Self::Git(url) => url.to_string(),
        }
    }

    /// Returns the line of `Cargo.toml`.
    pub(super) fn dependency(&self) -> String {
        match self {
            Self::Folder(folder) => format!("{PACKAGE} = {{ path = {} }}", quoted(&folder.to_string_lossy())),
            Self::Git(url) => format!("{PACKAGE} = {{ git = {} }}", quoted(url.as_str())),
        }
    }

    /// Returns the comment above that line.
    pub(super) fn note(&self) -> &'static str {
        match self {
            Self::Folder(_) => {
                "# By its path until it is published; who builds the pack elsewhere puts in another, or `git = \"URL\"`."
            }
            Self::Git(_) => "# From git until it is published; Cargo.lock holds the very commit.",
        }
    }

    /// Returns what the pack's README says of it.
    pub(super) fn text(&self) -> String {
        let way = match self {
            Self::Folder(_) => {
                "A path is good for one machine. Where others build the pack, have `Cargo.toml` name the git repository:\n\
                 `orgwatch-rules-sdk = { git = \"URL\" }`."
            }
            Self::Git(_) => "`Cargo.lock` holds the commit; `cargo update orgwatch-rules-sdk` takes the newest.",
        };
        format!("The SDK is not published yet. This pack depends on the one in `{}`.\n{way}", self.place())
    }

    /// Returns how the CI file installs the host, and the comment above it.
    pub(super) fn install(&self) -> (String, &'static str) {
        match self {
            Self::Folder(folder) => {
                let host = folder.parent().unwrap_or(folder).join("host");
                let host = host.to_string_lossy();
                let note =
                    "A path has to be there on the machine that runs this; elsewhere say `--git URL orgwatch-host`.";
                (format!("cargo install --locked --path '{host}'"), note)
            }
            Self::Git(url) => (
                format!("cargo install --locked --git '{url}' orgwatch-host"),
                "The host, which builds and tests the rules.",
            ),
        }
    }
}

/// Returns the checkout of this project whose `target/` the program lies in.
pub fn checkout(program: &Path) -> Option<PathBuf> {
    let program = fs::canonicalize(program).ok()?;
    let checkout = program.ancestors().find(|folder| folder.join(FOLDER).join("Cargo.toml").is_file())?;
    Some(checkout.to_owned())
}

fn folder(path: &Path) -> Result<PathBuf, SdkError> {
    let path = fs::canonicalize(path).map_err(|source| SdkError::Read { path: path.to_owned(), source })?;
    for folder in [path.join(FOLDER), path.clone()] {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
        let manifest: toml::Table = manifest.parse().unwrap_or_default();
        let name = manifest.get("package").and_then(|package| package.get("name")).and_then(toml::Value::as_str);
        if name == Some(PACKAGE) {
            return quotable(folder);
        }
    }
    Err(SdkError::NoSdk(path))
}

fn quotable(folder: PathBuf) -> Result<PathBuf, SdkError> {
    let plain =
        folder.to_str().is_some_and(|path| !path.contains(['\'', '"', '\\', '`']) && !path.contains(char::is_control));
    if plain { Ok(folder) } else { Err(SdkError::Unquotable(folder)) }
}

fn git(address: &str) -> Result<Url, SdkError> {
    let refused = || SdkError::Address(escape::terminal(address));
    let url = Url::parse(address).map_err(|_| refused())?;
    if url.password().is_some() {
        return Err(SdkError::Password);
    }
    let known = matches!(url.scheme(), "https" | "http" | "ssh" | "git" | "file");
    if known && !url.as_str().contains(['\'', '"', '\\', '`']) { Ok(url) } else { Err(refused()) }
}

/// Writes a text as a string of TOML.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOWHERE: &str = "/";

    #[test]
    fn a_checkout_and_the_folder_in_it_are_the_same_sdk() {
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let named = |path: PathBuf| Sdk::of(path.to_str(), Path::new(NOWHERE)).unwrap();
        let sdk = named(checkout.to_owned());
        assert_eq!(sdk, named(checkout.join("rules-sdk")));
        assert_eq!(sdk, Sdk::of(None, &checkout.join("host/Cargo.toml")).unwrap());
        assert!(sdk.dependency().starts_with("orgwatch-rules-sdk = { path = \"/"), "{}", sdk.dependency());
    }

    #[test]
    fn a_repository_is_named_by_its_url() {
        let sdk = Sdk::of(Some("https://example.com/orgwatch.git"), Path::new(NOWHERE)).unwrap();
        assert_eq!(sdk.dependency(), "orgwatch-rules-sdk = { git = \"https://example.com/orgwatch.git\" }");
    }

    #[test]
    fn what_is_no_sdk_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |named: Option<&str>| Sdk::of(named, Path::new(NOWHERE)).unwrap_err();
        assert!(matches!(refused(None), SdkError::NotFound));
        assert!(matches!(refused(folder.path().to_str()), SdkError::NoSdk(_)));
        assert!(matches!(refused(Some("missing")), SdkError::Read { .. }));
        assert!(matches!(refused(Some("git@example.com:orgwatch.git")), SdkError::Address(_)));
        assert!(matches!(refused(Some("ftp://example.com/orgwatch")), SdkError::Address(_)));
        assert!(matches!(refused(Some("https://anaya:hunter2@example.com/x")), SdkError::Password));
    }
}
