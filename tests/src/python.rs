//! Python programs that the tests check against: servers that stand for AWS, and validators that are not ours. Each set is installed once into a
//! virtual environment of its own, and used from there by every later run.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use crate::support::{host, outcome, root};

/// How long an installation may take, which brings some hundred packages over the network.
const PATIENCE: Duration = Duration::from_mins(10);

/// The virtual environment that has the packages of `tests/python/NAME.txt`, made where it is missing.
pub(crate) fn environment(name: &str) -> PathBuf {
    static MADE: LazyLock<Mutex<BTreeMap<String, PathBuf>>> = LazyLock::new(Mutex::default);
    let mut made = MADE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(folder) = made.get(name) {
        return folder.clone();
    }
    let folder = make(name);
    made.insert(name.to_owned(), folder.clone());
    folder
}

/// A command that runs a program of an environment.
pub(crate) fn command(name: &str, program: &str) -> Command {
    Command::new(environment(name).join("bin").join(program))
}

fn make(name: &str) -> PathBuf {
    let list = root().join("tests/python").join(name).with_extension("txt");
    let wanted = fs::read_to_string(&list).unwrap_or_else(|error| panic!("{}: {error}", list.display()));
    let folder = host().parent().expect("the program lies in a folder").join("test-python").join(name);
    let done = folder.join("installed.txt");
    if fs::read_to_string(&done).is_ok_and(|installed| installed == wanted) {
        return folder;
    }
    run(
        Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder),
        "make a virtual environment (Debian: python3-venv)",
    );
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
    run(
        Command::new(folder.join("bin/python")).args(install).arg(&list),
        &format!("install {} with pip, which needs a package index", relative(&list)),
    );
    fs::write(&done, wanted).expect("the environment can be written to");
    folder
}

fn run(command: &mut Command, what: &str) {
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let child = child.unwrap_or_else(|error| panic!("failed to {what}: {command:?}: {error}"));
    let (status, _, said) = outcome(child, PATIENCE);
    let Some(status) = status else { panic!("failed to {what} within {PATIENCE:?}:\n{said}") };
    assert!(status.success(), "failed to {what}:\n{said}");
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).to_string_lossy().into_owned()
}
