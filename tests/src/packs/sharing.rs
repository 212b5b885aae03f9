//! `examples/sharing`: two organizations and a registry between them, as the script there goes through it, and what other programs make of the pack.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orgwatch_host::pack::packed::{Layout, Packed};
use orgwatch_host::sandbox::Limits;

use super::registry::server::Server;
use super::registry::{PASSWORD, USER};
use crate::python;
use crate::support::{Ran, cache, host, outcome, root};

/// How long a script may take, which builds three packs.
const PATIENCE: Duration = Duration::from_mins(10);

/// What the script has to try in vain.
const REFUSALS: usize = 8;

/// A registry, and who may write to it.
struct Shared {
    server: Server,
    folder: tempfile::TempDir,
}

impl Shared {
    fn new() -> Self {
        let (server, folder) = (Server::start(), tempfile::tempdir().expect("a temporary folder"));
        let auth = STANDARD.encode(format!("{USER}:{PASSWORD}"));
        let docker = format!("{{\"auths\":{{\"{}\":{{\"auth\":\"{auth}\"}}}}}}", server.host());
        fs::write(folder.path().join("config.json"), docker).expect("the folder can be written to");
        Self { server, folder }
    }

    /// The folder that the organizations work in.
    fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    fn authority(&self) -> String {
        self.server.authority().join("ca.crt").display().to_string()
    }

    /// Runs a program with the host on its path, and with the credentials of this registry and none of the caller's.
    fn run(&self, command: &mut Command) -> Ran {
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("ORGWATCH_") {
                command.env_remove(name);
            }
        }
        let programs = host().parent().expect("the program lies in a folder").display();
        let path = std::env::var("PATH").expect("there is a path");
        let child = command
            .env("PATH", format!("{programs}:{path}"))
            .env("XDG_CACHE_HOME", cache())
            .env("XDG_STATE_HOME", self.folder.path().join("state"))
            .env("DOCKER_CONFIG", self.folder.path())
            .env("REGISTRY_AUTH_FILE", self.folder.path().join("config.json"))
            .env_remove("DOCKER_AUTH_CONFIG")
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let child = child.unwrap_or_else(|error| panic!("{command:?} does not run: {error}"));
        let (status, stdout, stderr) = outcome(child, PATIENCE);
        let Some(status) = status else { panic!("{command:?} did not end within {PATIENCE:?}\n{stdout}{stderr}") };
        Ran { code: status.code().unwrap_or(-1), stdout, stderr }
    }

    /// Has Acme publish and Globex take in.
    fn share(&self) -> Ran {
        let mut script = script("share.sh");
        self.run(script.arg(self.server.host()).arg(self.work()).arg(self.authority()))
    }

    /// Runs a program that has to end well, and returns what it says.
    fn said(&self, command: &mut Command) -> String {
        let ran = self.run(command);
        assert_eq!(ran.code, 0, "{command:?}\n{}{}", ran.stdout, ran.stderr);
        ran.stdout
    }
}

fn script(name: &str) -> Command {
    let mut bash = Command::new("bash");
    bash.arg(root().join("examples/sharing").join(name));
    bash
}

fn packed(path: &Path) -> Packed {
    Packed::read(path, &Limits::default()).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn one_organization_publishes_and_another_takes_in_as_the_example_does() {
    let shared = Shared::new();
    let ran = shared.share();
    let told = format!("{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.code, 0, "{told}");
    assert_eq!(ran.stdout.matches("refused, as it has to be: exit code ").count(), REFUSALS, "{told}");
    let script = fs::read_to_string(root().join("examples/sharing/share.sh")).expect("it is there");
    assert_eq!(script.lines().filter(|line| line.starts_with("refused ")).count(), REFUSALS, "count them anew");
    assert_eq!(ran.stdout.matches("\nthe same findings, byte for byte\n").count(), 3, "{told}");
    for line in [
        "\nequal, byte for byte\n",
        "\n  acme/key-watch@1.0.0 sha256:",
        "\nfound by: acme.key-deletion-scheduled globex.access-key-created \n",
        "\nfindings: 0 lost, 2 changed, 2 new\n",
        "\nfound by: acme.key-deletion-scheduled acme.key-disabled globex.access-key-created \n",
    ] {
        assert!(ran.stdout.contains(line), "{line}\n{told}");
    }
    let every = "\n# Everything that had to work worked, and everything that had to be refused was refused\n";
    assert!(ran.stdout.ends_with(every), "{told}");
    // Nobody had a door to look for in an honest upgrade.
    assert!(!ran.stdout.contains("DOOR"), "{told}");

    // Each organization kept what it pulled in its own folder, whichever command pulled it.
    assert!(!shared.folder.path().join("state").exists(), "{told}");

    the_page_has_the_commands_of(&shared, &told);
    other_programs_agree(&shared);
}

fn page() -> String {
    fs::read_to_string(root().join("docs/sharing-packs.md")).expect("the page is there")
}

/// Holds the commands of docs/sharing-packs.md against those that the script ran.
fn the_page_has_the_commands_of(shared: &Shared, told: &str) {
    let own = [
        (shared.server.host(), "localhost:5000"),
        (format!(" --ca {}", shared.authority()), ""),
        (format!("{}/", root().display()), ""),
    ];
    let ran: BTreeSet<String> = told
        .lines()
        .filter_map(|line| line.split_once("$ orgwatch-host ").filter(|(who, _)| !who.contains(' ')))
        .map(|(_, command)| own.iter().fold(command.to_owned(), |command, (from, to)| command.replace(from, to)))
        .collect();
    let page = page();
    let commands: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("orgwatch-host ")).collect();
    assert!(commands.len() > 15, "the page has its commands in other lines now: {commands:?}");
    for command in commands {
        assert!(ran.contains(command), "docs/sharing-packs.md: share.sh does not run `{command}`:\n{ran:#?}");
    }
}

#[test]
fn the_page_quotes_the_configuration_as_it_is() {
    let configuration =
        fs::read_to_string(root().join("examples/sharing/consumer/orgwatch.toml")).expect("it is there");
    let page = page();
    let blocks: Vec<&str> = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!blocks.is_empty());
    for block in blocks {
        assert!(
            configuration.contains(block),
            "docs/sharing-packs.md has to quote the configuration as it is:\n{block}"
        );
    }
}

/// Has programs that know nothing of this project look at what the script left, which takes too long to do twice.
fn other_programs_agree(shared: &Shared) {
    let (work, host) = (shared.work(), shared.server.host());
    let key = work.join("acme/acme.pub");
    let stranger = work.join("stranger.pub");
    let other = orgwatch_host::pack::signature::PrivateKey::generate().expect("there is randomness");
    fs::write(&stranger, other.public().to_pem()).expect("the folder can be written to");

    // The file, by the page's own command.
    let page = page();
    let command = page.lines().find(|line| line.starts_with("base64 -d ")).expect("the page has it");
    let openssl = |key: &Path, folder: &str, file: &str| {
        let command = command.replace("acme.pub", &key.display().to_string()).replace("key-watch-1.0.0.tar", file);
        let command = format!("cd work/{folder} && {command}");
        shared.run(Command::new("bash").args(["-o", "pipefail", "-c", &command])).code
    };
    assert_eq!(openssl(&key, "acme", "key-watch-1.0.0.tar"), 0);
    assert_eq!(openssl(&key, "globex", "tampered.tar"), 1);
    assert_eq!(openssl(&stranger, "acme", "key-watch-1.0.0.tar"), 1);

    // What the registry has.
    assert!(
        page.contains("examples/sharing/verify.sh localhost:5000/acme/key-watch:1.0.0 acme.pub --tls-verify=false")
    );
    let image = format!("{host}/acme/key-watch:1.0.0");
    let certificates = format!("--cert-dir={}", shared.server.authority().display());
    let verify = |key: &Path| shared.run(script("verify.sh").arg(&image).arg(key).arg(&certificates));
    let digest = packed(&work.join("acme/key-watch-1.0.0.tar")).digest();
    let verified = verify(&key);
    let expected = format!("{} is signed with {}\n", digest.tagged(), key.display());
    assert_eq!((verified.code, verified.stdout), (0, expected), "{}", verified.stderr);
    let refused = verify(&stranger);
    assert_eq!((refused.code, refused.stdout.as_str()), (1, ""), "{}", refused.stderr);

    // skopeo's copy, as a folder, is the pack.
    let to = format!("oci:{}:1.0.0", work.join("skopeo").display());
    let from = format!("docker://{image}");
    let arguments = ["--insecure-policy", "copy", &format!("--src-{}", &certificates[2..]), &from, &to];
    shared.said(Command::new("skopeo").args(arguments));
    assert_eq!(
        Layout::read(&work.join("skopeo")).expect("it is a layout").pack().expect("of one pack").0.digest,
        digest
    );
    assert_eq!(packed(&work.join("skopeo")).digest(), digest);

    // So is what oras fetches, layer by layer.
    let mut oras = python::command("registry", "python");
    oras.arg(root().join("tests/src/packs/pull.py")).arg(&image).arg(shared.authority()).arg(work.join("oras"));
    let said = shared.said(oras.env("ORAS_USER", USER).env("ORAS_PASS", PASSWORD));
    let pack = packed(&work.join("acme/key-watch-1.0.0.tar"));
    let mut expected = vec![format!("manifest {digest}")];
    let (_, manifest) = pack.layout().pack().expect("it is one pack");
    expected.extend(manifest.layers.iter().map(|layer| format!("file {}", layer.digest)));
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);
}
