//! A pack is the same bytes wherever it is built, and by whom.

use std::fs;
use std::path::Path;

use crate::support::{Run, pack, root};

/// Copies a folder, but nothing that was built in it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("it is a folder") {
        let path = entry.expect("it can be read").path();
        let name = path.file_name().expect("an entry has a name");
        if path.is_dir() {
            if name != "target" && name != "dist" {
                copy(&path, &to.join(name));
            }
        } else {
            fs::copy(&path, to.join(name)).expect("it is a file");
        }
    }
}

/// Makes a workspace of the SDK and one pack, out of this one.
fn workspace(at: &Path) {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("it is there");
    let mut manifest: toml::Table = toml::from_str(&manifest).expect("it is TOML");
    let workspace = manifest["workspace"].as_table_mut().expect("it is a table");
    workspace.insert("members".to_owned(), vec!["rules-sdk", "examples/first-rule"].into());
    workspace.remove("default-members");
    // The profiles speak of packages that are not there.
    manifest.remove("profile");
    fs::create_dir_all(at).expect("a folder can be made");
    fs::write(at.join("Cargo.toml"), toml::to_string(&manifest).expect("it is plain data")).expect("it can be written");
    fs::copy(root().join("Cargo.lock"), at.join("Cargo.lock")).expect("it is there");
    for folder in ["rules-sdk", "examples/first-rule"] {
        copy(&root().join(folder), &at.join(folder));
    }
}

#[test]
fn a_pack_is_the_same_bytes_on_another_path_with_another_home_and_another_cargo_home() {
    let built = pack("examples/first-rule");
    let here = Run::new(["pack", "build"]).argument(&built).argument("--out").argument("here.tar");
    let here_file = here.folder().join("here.tar");
    let there = Run::new(["pack", "build", "some/where/else/examples/first-rule", "--out", "there.tar"]);
    let folder = there.folder().to_owned();
    workspace(&folder.join("some/where/else"));
    let homes = std::env::var_os("HOME").map(std::path::PathBuf::from).expect("there is a home");
    let set = |name: &str, usual: &str| std::env::var_os(name).map_or_else(|| homes.join(usual), Into::into);
    let (cargo, rustup) = (set("CARGO_HOME", ".cargo"), set("RUSTUP_HOME", ".rustup"));
    // The sources of the dependencies are there under another name: nothing is fetched again.
    fs::create_dir_all(folder.join("another/cargo")).expect("a folder can be made");
    std::os::unix::fs::symlink(cargo.join("registry"), folder.join("another/cargo/registry"))
        .expect("a link can be made");
    let text = |path: &Path| path.to_str().expect("it is text").to_owned();
    let there = there
        .env("HOME", &text(&folder.join("another")))
        .env("CARGO_HOME", &text(&folder.join("another/cargo")))
        .env("RUSTUP_HOME", &text(&rustup))
        .env("CARGO_NET_OFFLINE", "true")
        .env("RUSTFLAGS", "-C target-cpu=native");
    // What is written goes away with the run's folder.
    let bytes = |run: Run, file: &Path| {
        let (child, folder) = run.spawn();
        let (status, _, stderr) = crate::support::outcome(child, std::time::Duration::from_mins(5));
        assert!(status.is_some_and(|status| status.success()), "{stderr}");
        let bytes = fs::read(file).expect("it was written");
        drop(folder);
        bytes
    };
    let there = bytes(there, &folder.join("there.tar"));
    let here = bytes(here, &here_file);
    assert!(!here.is_empty() && here == there, "{} and {} bytes", here.len(), there.len());
}
