//! Where the program finds credentials: each place that Docker and its kin use, from the command line.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::server::Server;
use super::{PASSWORD, USER, credentials, options, pack, reference, registry, wait};
use crate::servers::{Reply, Scripted};
use crate::support::{Ran, Run};

/// A registry that holds a pack.
fn server() -> Server {
    let server = Server::start();
    let state = tempfile::tempdir().expect("a temporary folder");
    let mut options = options(state.path());
    options.ca = Some(server.authority().join("ca.crt"));
    options.credentials = credentials(&server.host(), PASSWORD);
    options.patience.silence = std::time::Duration::from_secs(30);
    let repository = reference(&format!("oci://{}/pack", server.host()));
    wait(registry(options).push(&pack("1.0.0").0, &repository, &["1.0.0".to_owned()])).expect("it is taken");
    server
}

/// A run that lists the pack's tags, with nothing of the caller's own credentials.
fn tags(server: &Server, home: &Path) -> Run {
    let mut run = Run::new(["pack", "tags"]);
    for argument in [&format!("oci://{}/pack", server.host()), "--state-dir", "state", "--ca"] {
        run = run.argument(argument);
    }
    for name in ["DOCKER_AUTH_CONFIG", "REGISTRY_AUTH_FILE", "DOCKER_CONFIG"] {
        run = run.env(name, "");
    }
    run.argument(server.authority().join("ca.crt")).env("HOME", &home.to_string_lossy())
}

/// Docker's configuration with the user's credentials for a host.
fn configuration(host: &str) -> String {
    let auth = STANDARD.encode(format!("{USER}:{PASSWORD}"));
    format!("{{\"auths\":{{\"https://{host}\":{{\"auth\":\"{auth}\"}}}}}}")
}

#[test]
fn credentials_are_found_wherever_docker_and_its_kin_keep_them() {
    let server = server();
    let config = configuration(&server.host());
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    fs::create_dir(&home).unwrap();
    let file = folder.path().join("config.json");
    fs::write(&file, &config).unwrap();
    let listed =
        |ran: Ran, how: &str| assert_eq!((ran.code, ran.stdout.as_str()), (0, "1.0.0\n"), "{how}: {}", ran.stderr);
    listed(tags(&server, &home).env("DOCKER_AUTH_CONFIG", &config).run(), "a variable");
    listed(tags(&server, &home).env("REGISTRY_AUTH_FILE", &file.to_string_lossy()).run(), "a file");
    listed(tags(&server, &home).env("DOCKER_CONFIG", &folder.path().to_string_lossy()).run(), "a folder");
    let own = folder.path().join("own");
    fs::create_dir_all(own.join(".docker")).unwrap();
    fs::copy(&file, own.join(".docker/config.json")).unwrap();
    listed(tags(&server, &own).run(), "the home folder");
}

#[test]
fn a_credential_helper_is_asked_for_the_host() {
    let server = server();
    let folder = tempfile::tempdir().unwrap();
    let helper = folder.path().join("docker-credential-of-a-test");
    let asked = folder.path().join("asked");
    let script =
        format!("#!/bin/sh\ncat > {}\necho '{{\"Username\":\"{USER}\",\"Secret\":\"{PASSWORD}\"}}'\n", asked.display());
    fs::write(&helper, script).unwrap();
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let config = format!("{{\"credHelpers\":{{\"{}\":\"of-a-test\"}}}}", server.host());
    let run = tags(&server, folder.path()).env("DOCKER_AUTH_CONFIG", &config).env("PATH", &path).run();
    assert_eq!((run.code, run.stdout.as_str()), (0, "1.0.0\n"), "{}", run.stderr);
    assert_eq!(fs::read_to_string(&asked).unwrap(), server.host());

    // One that fails is told of, and what it says, which may be the secret, is not.
    fs::write(&helper, format!("#!/bin/sh\ncat > /dev/null\necho {PASSWORD}\nexit 1\n")).unwrap();
    let run = tags(&server, folder.path()).env("DOCKER_AUTH_CONFIG", &config).env("PATH", &path).run();
    assert_eq!(run.code, 4, "{}", run.stderr);
    assert!(run.stderr.contains("credential helper failed") && !run.stderr.contains(PASSWORD), "{}", run.stderr);
}

#[test]
fn somebody_without_credentials_is_told_where_they_were_looked_for() {
    let server = server();
    let folder = tempfile::tempdir().unwrap();
    let run = tags(&server, folder.path()).env("DOCKER_AUTH_CONFIG", &configuration("registry.example.com")).run();
    assert_eq!((run.code, run.stdout.as_str()), (4, ""), "{}", run.stderr);
    for place in ["the variable DOCKER_AUTH_CONFIG", ".docker/config.json", "docker login"] {
        assert!(run.stderr.replace('\n', " ").contains(place), "{}", run.stderr);
    }
}

#[test]
fn no_proxy_of_the_environment_is_used() {
    let server = server();
    let proxy = Scripted::start(|_, _| Reply::status(200));
    let folder = tempfile::tempdir().unwrap();
    let mut run = tags(&server, folder.path()).env("DOCKER_AUTH_CONFIG", &configuration(&server.host()));
    for name in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        run = run.env(name, &format!("http://{}", proxy.host()));
    }
    let run = run.env("NO_PROXY", "").run();
    assert_eq!((run.code, run.stdout.as_str()), (0, "1.0.0\n"), "{}", run.stderr);
    assert!(proxy.asked().is_empty());
}
