//! An organization that publishes packs, as the tests of attacks need it: honest until a test says otherwise.

use std::fs;
use std::path::{Path, PathBuf};

use orgwatch_host::pack::Pack;
use orgwatch_host::pack::packed::{Packed, Packer};
use orgwatch_host::pack::signature::simple_signing::{Payload, SignedPayload};
use orgwatch_host::pack::signature::{Detached, PrivateKey};
use orgwatch_host::sandbox::{Compiler, Limits};
use serde_json::Value;

use crate::records::lines;
use crate::support::{Run, cache, host, pack, root};

/// The rule that most packs here hold, with the folder of its tests.
pub(super) const TRAIL_STOPPED: &str = "examples/first-rule/dist/trail_stopped.wasm";

/// Who publishes.
pub(super) struct Publisher {
    pub(super) key: PrivateKey,
}

impl Publisher {
    pub(super) fn new() -> Self {
        Self { key: PrivateKey::generate().expect("there is randomness") }
    }

    /// Signs a file's bytes, as what stands beside it.
    pub(super) fn beside(&self, file: &[u8]) -> Vec<u8> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("file.sig");
        let mut detached = Detached::default();
        detached.add(file, &self.key);
        detached.write(&path).expect("the folder can be written to");
        fs::read(path).expect("it was just written")
    }

    /// Signs a pack in its layout.
    pub(super) fn sign(&self, packed: &mut Packed) {
        let digest = packed.digest();
        let signed = SignedPayload::sign(&Payload { reference: String::new(), digest }, &self.key);
        packed.layout_mut().sign(digest, vec![signed.into()]).expect("there is room");
    }

    /// What the others have of the key.
    pub(super) fn public(&self) -> String {
        self.key.public().to_pem()
    }
}

/// Makes a pack of built rules, with the tests that those have.
pub(super) fn packed(id: &str, version: &str, rules: &[&str]) -> Packed {
    let limits = Limits::default();
    let folder = folder(id, version, rules);
    let compiler = Compiler::new(host(), Some(&cache()), limits.clone());
    let pack = Pack::open(folder.path()).expect("it is a pack");
    Packer::new(&compiler, &limits, 2).pack(&pack).expect("it can be packed")
}

/// Makes the folder of a pack of built rules.
pub(super) fn folder(id: &str, version: &str, rules: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    fs::create_dir(at.join("dist")).expect("a folder can be made");
    let manifest = format!(
        "schema_version = 1\nid = \"{id}\"\nversion = \"{version}\"\ntitle = \"A pack\"\ndescription = \"For a test.\"\nlicense = \"MIT\"\n"
    );
    fs::write(at.join("pack.toml"), manifest).expect("the folder can be written to");
    for rule in rules {
        let built = pack(rule);
        fs::copy(&built, at.join("dist").join(built.file_name().expect("a file has a name"))).expect("it is built");
        let source: PathBuf = built.ancestors().nth(2).expect("it lies in a pack").to_owned();
        let cases = Path::new("events").join(built.file_stem().expect("a file has a name"));
        if source.join(&cases).is_dir() {
            fs::create_dir_all(at.join(&cases)).expect("a folder can be made");
            for entry in fs::read_dir(source.join(&cases)).expect("it is a folder") {
                let path = entry.expect("it can be read").path();
                fs::copy(&path, at.join(&cases).join(path.file_name().expect("it has a name"))).expect("it is a file");
            }
        }
    }
    folder
}

/// The entry of a publisher `acme` whose key is `acme.pub`, which may have any rule, with what else is to stand in it.
pub(super) fn trusting(more: &str) -> String {
    format!(
        "[trust]\n[[trust.publisher]]\nname = \"acme\"\nrules = [\"*\"]\n{more}\n[[trust.publisher.key]]\nfile = \"acme.pub\"\n"
    )
}

/// A run on an event that the rule of most packs here finds something in, with a state directory of its own.
pub(super) fn run(rules: &str, configuration: &str, publisher: &Publisher) -> Run {
    let event = fs::read_to_string(root().join("examples/first-rule/events/trail_stopped/fires_stopped.json"));
    let event: Value = serde_json::from_str(&event.expect("it is there")).expect("it is JSON");
    let run = Run::new(["events", "--rules", rules]);
    let state = run.folder().join("state");
    run.env("ORGWATCH_STATE_DIR", state.to_str().expect("it is text"))
        .file("acme.pub", publisher.public())
        .file("orgwatch.toml", configuration)
        .file("events", lines(&[event]))
}
