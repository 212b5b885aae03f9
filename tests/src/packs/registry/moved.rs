//! Tags that move after somebody has locked what they named, against the whole program.

use std::fs;
use std::path::Path;

use orgwatch_host::pack::packed::Packed;

use super::super::publisher::{Publisher, TRAIL_STOPPED, packed, run, trusting};
use super::server::Server;
use super::{PASSWORD, credentials, options, reference, registry, secret, wait};
use crate::support::{Ran, Run};

/// A registry with packs of Acme, and a machine that takes them in.
struct World {
    server: Server,
    acme: Publisher,
    /// The folder with the configuration and the lock file.
    home: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let (server, acme) = (Server::start(), Publisher::new());
        let home = tempfile::tempdir().expect("a temporary folder");
        let (host, ca) = (server.host(), server.authority().join("ca.crt"));
        let configuration = format!(
            "[[rules]]\npath = \"oci://{host}/acme/watch:1\"\n[[registry]]\nhost = \"{host}\"\nca = \"{}\"\n{}",
            ca.display(),
            trusting("tables = [\"accounts\", \"principals\", \"networks\"]")
        );
        fs::write(home.path().join("orgwatch.toml"), configuration).expect("the folder can be written to");
        fs::write(home.path().join("acme.pub"), acme.public()).expect("the folder can be written to");
        Self { server, acme, home }
    }

    /// Publishes a pack under the tag 1, signed.
    fn publish(&self, mut packed: Packed) {
        self.acme.sign(&mut packed);
        let state = tempfile::tempdir().expect("a temporary folder");
        let mut options = options(state.path());
        options.ca = Some(self.server.authority().join("ca.crt"));
        options.credentials = credentials(&self.server.host(), PASSWORD);
        let place = reference(&format!("oci://{}/acme/watch", self.server.host()));
        wait(registry(options).push(packed.layout(), &place, &["1".to_owned()])).expect("the registry takes it");
    }

    fn run(&self, arguments: &[&str], state: &Path) -> Ran {
        let config = self.home.path().join("orgwatch.toml");
        let auth = format!("{{\"auths\":{{\"{}\":{{\"auth\":\"{}\"}}}}}}", self.server.host(), secret());
        let events = fs::read(run("x", "", &self.acme).folder().join("events")).expect("it was written");
        Run::new(arguments)
            .argument("--config")
            .argument(config)
            .env("ORGWATCH_STATE_DIR", state.to_str().expect("it is text"))
            .env("DOCKER_AUTH_CONFIG", &auth)
            .file("events", events)
            .run()
    }
}

/// The pack that the findings are from.
#[track_caller]
fn found(ran: &Ran) -> String {
    assert_eq!((ran.code, ran.findings().len()), (0, 1), "{}", ran.stderr);
    ran.findings()[0]["rule"]["pack"].as_str().expect("a finding of a pack names it").to_owned()
}

#[test]
fn a_tag_that_moves_after_locking_changes_nothing_until_somebody_locks_anew() {
    let world = World::new();
    let state = tempfile::tempdir().unwrap();
    world.publish(packed("acme/watch", "1.0.0", &[TRAIL_STOPPED]));
    let locked = world.run(&["pack", "lock"], state.path());
    assert_eq!(locked.code, 0, "{}", locked.stderr);
    let first = fs::read(world.home.path().join("orgwatch.lock")).unwrap();
    world.publish(packed("acme/watch", "1.1.0", &[TRAIL_STOPPED]));
    for arguments in [&["events", "--locked"][..], &["events"]] {
        assert_eq!(found(&world.run(arguments, state.path())), "acme/watch@1.0.0");
        // A machine that has never seen either asks for what is locked, too.
        assert_eq!(found(&world.run(arguments, tempfile::tempdir().unwrap().path())), "acme/watch@1.0.0");
    }
    let renewed = world.run(&["pack", "lock"], state.path());
    assert!(renewed.stdout.contains("changed oci://"), "{}{}", renewed.stdout, renewed.stderr);
    assert_eq!(found(&world.run(&["events", "--locked"], state.path())), "acme/watch@1.1.0");
    // Moved back, the tag names what was signed once, and is refused all the same.
    world.publish(packed("acme/watch", "1.0.0", &[TRAIL_STOPPED]));
    for fresh in [state.path(), tempfile::tempdir().unwrap().path()] {
        let back = world.run(&["pack", "lock"], fresh);
        assert_eq!(back.code, 2, "{}", back.stdout);
        assert!(back.stderr.contains("acme/watch@1.0.0 is a lower version than 1.1.0"), "{}", back.stderr);
    }
    assert_eq!(found(&world.run(&["events", "--locked"], state.path())), "acme/watch@1.1.0");
    // Who puts the old lock file back has said so.
    fs::write(world.home.path().join("orgwatch.lock"), first).unwrap();
    assert_eq!(found(&world.run(&["events", "--locked"], state.path())), "acme/watch@1.0.0");
}

#[test]
fn a_version_that_is_another_pack_than_when_it_was_locked_is_refused() {
    let world = World::new();
    let state = tempfile::tempdir().unwrap();
    world.publish(packed("acme/watch", "1.0.0", &[TRAIL_STOPPED]));
    assert_eq!(world.run(&["pack", "lock"], state.path()).code, 0);
    let other = packed("acme/watch", "1.0.0", &[TRAIL_STOPPED, "rules/aws-organizations/dist/account_departed.wasm"]);
    world.publish(other);
    let moved = world.run(&["pack", "lock"], state.path());
    assert_eq!((moved.code, moved.stdout.as_str()), (2, ""), "{}", moved.stderr);
    assert!(moved.stderr.contains("a version that is published does not change"), "{}", moved.stderr);
}

#[test]
fn a_registry_that_is_away_stops_nothing_that_ran_before() {
    let world = World::new();
    let state = tempfile::tempdir().unwrap();
    world.publish(packed("acme/watch", "1.0.0", &[TRAIL_STOPPED]));
    assert_eq!(found(&world.run(&["events"], state.path())), "acme/watch@1.0.0");
    let World { server, acme, home } = world;
    let host = server.host();
    drop(server);
    let config = home.path().join("orgwatch.toml");
    let text = fs::read_to_string(&config).unwrap();
    // The authority's certificate went with the registry.
    fs::write(&config, text.lines().filter(|line| !line.starts_with("ca = ")).collect::<Vec<_>>().join("\n")).unwrap();
    let events = fs::read(run("x", "", &acme).folder().join("events")).unwrap();
    let ran = Run::new(["events", "--config"])
        .argument(&config)
        .env("ORGWATCH_STATE_DIR", state.path().to_str().unwrap())
        .file("events", events)
        .run();
    assert_eq!(found(&ran), "acme/watch@1.0.0");
    let told = format!("`oci://{host}/acme/watch:1` is what it was before, sha256:");
    assert!(ran.stderr.contains(&told), "{}", ran.stderr);
}
