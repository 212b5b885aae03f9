//! Building a pack: cargo makes core modules, this makes components of them and writes their metadata section.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use orgwatch_rules_sdk::METADATA_SECTION;
use serde::{Deserialize, Serialize};
use wasm_encoder::{ComponentSection, CustomSection};

use super::lean::without_post_returns;
use super::{Pack, wasm_files};
use crate::digest::Digest;
use crate::sandbox::{Compiler, Component, ComponentFault, Limits, LoadFault};

/// The target that rules are compiled for: plain WebAssembly, nothing imported.
const TARGET: &str = "wasm32-unknown-unknown";

/// How rules are compiled. Measured on `org.unexpected-join`, a finding: at level `s` 17.4 µs an evaluation, 174 kB and 0.6 s to build and
/// prepare; at level 2 15.8 µs, 276 kB and 0.8 s; at level 3 no better. A panic need not unwind where the instance ends anyway.
const PROFILE: [&str; 6] = [
    "profile.rule.inherits='release'",
    "profile.rule.opt-level=2",
    "profile.rule.lto='fat'",
    "profile.rule.codegen-units=1",
    "profile.rule.panic='abort'",
    "profile.rule.strip='symbols'",
];

/// The guest's stack, at the low end of its memory. Every evaluation starts from a copy of that memory: measured with wasmtime 48, an
/// instance with the linker's default of 1 MiB costs 42 µs and one with 64 KiB costs 18.
const STACK: &str = "-Clink-arg=-zstack-size=65536";

/// The file in `dist/` that remembers what the components were made of.
pub(super) const RECORD: &str = ".built.json";

/// Why a pack could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// cargo is not there.
    #[error(
        "failed to run cargo and rustc, which building a pack needs\nhint: install Rust from https://rustup.rs, or use a pack that is built"
    )]
    NoCargo(#[source] io::Error),
    /// The WebAssembly target is not installed and could not be.
    #[error(
        "the Rust target {TARGET} is not installed\nhint: run `rustup target add {TARGET}`\nhint: without rustup, install the package \
         of your system that has it"
    )]
    NoTarget,
    /// cargo failed; it has said why.
    #[error("cargo could not build the pack `{0}`; its own words stand above")]
    Cargo(PathBuf),
    /// The crate has no binaries, and so no rules.
    #[error("the pack `{0}` has no rule\nhint: a rule is a file in src/bin/")]
    NoRules(PathBuf),
    /// A module wants something that no rule gets.
    #[error(
        "`{rule}` imports `{import}` from its surroundings, and a rule has none\nhint: a dependency does that, such as chrono with its \
         default features; switch the feature off, see `cargo tree -p {package} -e features`"
    )]
    ForeignImport {
        /// The binary's name.
        rule: String,
        /// The package's name.
        package: String,
        /// What it imports.
        import: String,
    },
    /// A module cannot be made a component.
    #[error("failed to make a component of `{rule}`: {reason}\nhint: does it use `rule!`?")]
    NotARule {
        /// The binary's name.
        rule: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The rule does not describe itself.
    #[error("`{rule}` is no sound rule")]
    Describe {
        /// The binary's name.
        rule: String,
        /// What is wrong with it.
        source: LoadFault,
    },
    /// The component is not one that the host would load.
    #[error("the host would not load `{rule}`")]
    Component {
        /// The binary's name.
        rule: String,
        /// Why not.
        source: ComponentFault,
    },
    /// A file could not be read or written.
    #[error("failed to {doing} `{path}`")]
    File {
        /// The verb.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// What building a pack did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Built {
    /// Components that were made anew.
    pub made: Vec<PathBuf>,
    /// Components that were up to date.
    pub fresh: Vec<PathBuf>,
}

/// Builds packs.
#[derive(Debug)]
pub struct Builder<'a> {
    compiler: &'a Compiler,
    limits: &'a Limits,
}

/// What each component of `dist/` was made of, by file name.
type Record = BTreeMap<String, Origin>;

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Origin {
    builder: String,
    module: Digest,
    component: Digest,
}

/// A core module that cargo made.
struct Module {
    rule: String,
    package: String,
    bytes: Vec<u8>,
}

impl<'a> Builder<'a> {
    /// Makes a builder that describes rules with this compiler.
    pub fn new(compiler: &'a Compiler, limits: &'a Limits) -> Self {
        Self { compiler, limits }
    }

    /// Builds a pack's rules into its `dist/`. Components that are up to date stay as they are; those whose rule is gone are removed.
    ///
    /// # Errors
    ///
    /// Fails when cargo does, when a rule is not sound, or when `dist/` cannot be written.
    pub fn build(&self, pack: &Pack) -> Result<Built, BuildError> {
        ensure_target()?;
        let modules = compile(pack)?;
        let dist = pack.dist();
        fs::create_dir_all(&dist).map_err(file("create", &dist))?;
        let before = read_record(&dist.join(RECORD));
        let mut record = Record::new();
        let mut built = Built::default();
        for module in modules {
            let name = format!("{}.wasm", module.rule);
            let path = dist.join(&name);
            let digest = Digest::of(&module.bytes);
            let origin = before.get(&name).filter(|origin| origin.is_of(&digest, &path));
            let origin = if let Some(origin) = origin {
                built.fresh.push(path);
                origin.clone()
            } else {
                let component = self.make_component(&module)?;
                replace(&path, component.bytes()).map_err(file("write", &path))?;
                built.made.push(path);
                Origin { builder: builder(), module: digest, component: component.digest() }
            };
            record.insert(name, origin);
        }
        remove_others(&dist, &record)?;
        // Written each time: its own time says when the pack was last found to be up to date.
        let path = dist.join(RECORD);
        let text = serde_json::to_string_pretty(&record).expect("a record is plain data");
        replace(&path, (text + "\n").as_bytes()).map_err(file("write", &path))?;
        Ok(built)
    }

    fn make_component(&self, module: &Module) -> Result<Component, BuildError> {
        refuse_foreign_imports(module)?;
        let not_a_rule = |reason: String| BuildError::NotARule { rule: module.rule.clone(), reason };
        let lean = without_post_returns(&module.bytes).map_err(|error| not_a_rule(error.to_string()))?;
        let mut bytes = wit_component::ComponentEncoder::default()
            .module(&lean)
            .and_then(|encoder| encoder.validate(true).encode())
            .map_err(|error| not_a_rule(format!("{error:#}")))?;
        let metadata = self
            .compiler
            .describe(&bytes)
            .map_err(|source| BuildError::Describe { rule: module.rule.clone(), source })?;
        CustomSection { name: METADATA_SECTION.into(), data: metadata.as_bytes().into() }
            .append_to_component(&mut bytes);
        Component::check(bytes, self.limits)
            .map_err(|source| BuildError::Component { rule: module.rule.clone(), source })
    }
}

impl Origin {
    /// Tells whether a component is still what this builder would make of a module.
    fn is_of(&self, module: &Digest, component: &Path) -> bool {
        self.builder == builder()
            && self.module == *module
            && fs::read(component).is_ok_and(|bytes| Digest::of(bytes) == self.component)
    }
}

/// Changes whenever another component is made of the same module.
const FORM: u32 = 2;

/// Names what makes components, so that a newer host makes them anew.
fn builder() -> String {
    format!("orgwatch-host {}, form {FORM}", env!("CARGO_PKG_VERSION"))
}

fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BuildError {
    let path = path.to_owned();
    move |source| BuildError::File { doing, path, source }
}

/// Reads what was built before. A damaged record only means that everything is made anew.
fn read_record(path: &Path) -> Record {
    fs::read(path).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

/// Writes a file whole or not at all: somebody may be loading the pack, or building it too.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mode = fs::Permissions::from_mode(0o666);
    let mut file = tempfile::Builder::new().permissions(mode).tempfile_in(folder)?;
    file.write_all(content)?;
    file.persist(path)?;
    Ok(())
}

fn remove_others(dist: &Path, record: &Record) -> Result<(), BuildError> {
    for path in wasm_files(dist).map_err(file("read", dist))? {
        let known = path.file_name().and_then(|name| name.to_str()).is_some_and(|name| record.contains_key(name));
        if !known {
            fs::remove_file(&path).map_err(file("remove", &path))?;
        }
    }
    Ok(())
}

/// Installs the WebAssembly target where it is missing and rustup is there.
fn ensure_target() -> Result<(), BuildError> {
    let output = Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]).output();
    let folder = output.map_err(BuildError::NoCargo)?.stdout;
    let folder = PathBuf::from(String::from_utf8_lossy(&folder).trim());
    if !folder.as_os_str().is_empty() && folder.is_dir() {
        return Ok(());
    }
    // Standard output may be where findings go.
    let added =
        Command::new("rustup").args(["target", "add", TARGET]).stdin(Stdio::null()).stdout(Stdio::null()).status();
    if added.is_ok_and(|status| status.success()) { Ok(()) } else { Err(BuildError::NoTarget) }
}

/// Has cargo compile the pack's binaries and returns their modules, by name. Cargo's own words go to stderr.
fn compile(pack: &Pack) -> Result<Vec<Module>, BuildError> {
    let manifest = manifest(pack);
    let mut cargo = Command::new("cargo");
    cargo.args([
        "build",
        "--bins",
        "--profile",
        "rule",
        "--target",
        TARGET,
        "--message-format=json-render-diagnostics",
    ]);
    cargo.arg("--manifest-path").arg(&manifest);
    for setting in PROFILE {
        cargo.arg("--config").arg(setting);
    }
    // The user's RUSTFLAGS are meant for programs of this machine: a `target-cpu` among them would not even compile here, and others would
    // change the digest from user to user.
    cargo.env_remove("RUSTFLAGS").env("CARGO_ENCODED_RUSTFLAGS", rustflags(pack));
    let output = cargo.stdin(Stdio::null()).stderr(Stdio::inherit()).output().map_err(BuildError::NoCargo)?;
    if !output.status.success() {
        return Err(BuildError::Cargo(pack.folder().to_owned()));
    }
    let mut modules = Vec::new();
    for line in output.stdout.split(|&byte| byte == b'\n') {
        let Some((rule, package, path)) = executable(line) else { continue };
        let bytes = fs::read(&path).map_err(file("read", &path))?;
        modules.push(Module { rule, package, bytes });
    }
    if modules.is_empty() {
        return Err(BuildError::NoRules(pack.folder().to_owned()));
    }
    modules.sort_by(|left, right| left.rule.cmp(&right.rule));
    Ok(modules)
}

/// The compiler's flags: those that the user set for this very target, then our own.
fn rustflags(pack: &Pack) -> OsString {
    let mut flags: Vec<OsString> = Vec::new();
    if let Ok(own) = std::env::var("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS") {
        flags.extend(own.split_whitespace().map(OsString::from));
    }
    flags.push(STACK.into());
    // The same source gives the same digest wherever it lies: panic messages name files. The packs of a workspace share their flags, and so
    // what is compiled of their dependencies.
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    for (from, to) in [(home, "/cargo"), (workspace(pack), "/workspace")] {
        if let Some(from) = from {
            let mut flag = OsString::from("--remap-path-prefix=");
            flag.push(from);
            flag.push("=");
            flag.push(to);
            flags.push(flag);
        }
    }
    flags.join(&OsString::from("\u{1f}"))
}

/// Returns the folder of the workspace that a pack belongs to; its own where it stands alone.
fn workspace(pack: &Pack) -> Option<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo.args(["locate-project", "--workspace", "--message-format=plain", "--manifest-path"]);
    let output = cargo.arg(manifest(pack)).stderr(Stdio::null()).output().ok()?;
    let manifest = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim_end());
    Some(manifest.parent()?.to_owned())
}

/// Returns the pack's `Cargo.toml` where it really lies: cargo looks for the workspace in the folders above the name that it is given, and
/// above a link there may be none, or another.
fn manifest(pack: &Pack) -> PathBuf {
    let manifest = pack.folder().join("Cargo.toml");
    fs::canonicalize(&manifest).unwrap_or(manifest)
}

/// Reads a message of cargo and returns the binary that it tells of: its name, its package and its file.
fn executable(line: &[u8]) -> Option<(String, String, PathBuf)> {
    #[derive(Deserialize)]
    struct Message {
        reason: String,
        package_id: String,
        target: Target,
        executable: Option<PathBuf>,
        filenames: Vec<PathBuf>,
    }
    #[derive(Deserialize)]
    struct Target {
        name: String,
        kind: Vec<String>,
    }
    let message: Message = serde_json::from_slice(line).ok()?;
    if message.reason != "compiler-artifact" || message.target.kind != ["bin"] {
        return None;
    }
    let is_wasm = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "wasm");
    let path = message.executable.or_else(|| message.filenames.into_iter().find(is_wasm))?;
    let package = message.package_id.rsplit(['#', '/']).next()?.split('@').next()?.to_owned();
    Some((message.target.name, package, path))
}

fn refuse_foreign_imports(module: &Module) -> Result<(), BuildError> {
    let not_a_rule = |error: wasmparser::BinaryReaderError| BuildError::NotARule {
        rule: module.rule.clone(),
        reason: error.to_string(),
    };
    for payload in wasmparser::Parser::new(0).parse_all(&module.bytes) {
        let wasmparser::Payload::ImportSection(section) = payload.map_err(not_a_rule)? else { continue };
        for import in section.into_imports() {
            let import = import.map_err(not_a_rule)?;
            if !import.module.starts_with("orgwatch:rule/") {
                return Err(BuildError::ForeignImport {
                    rule: module.rule.clone(),
                    package: module.package.clone(),
                    import: format!("{}::{}", import.module, import.name),
                });
            }
        }
    }
    Ok(())
}
