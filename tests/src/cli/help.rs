//! The help, which is all of the manual that a shell has.

use crate::support::Run;

fn printed(arguments: &[&str]) -> String {
    let ran = Run::new(arguments).run();
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{arguments:?}");
    ran.stdout
}

#[test]
fn the_help_names_every_argument_and_every_exit_code() {
    insta::assert_snapshot!("help", printed(&["--help"]));
}

#[test]
fn each_subcommand_has_help_of_its_own() {
    for command in [
        "new",
        "build",
        "test",
        "explain",
        "bench",
        "rules",
        "inspect",
        "pack",
        "findings",
        "exceptions",
        "gaps",
        "dead-letters",
        "sinks",
        "config",
        "completions",
    ] {
        insta::assert_snapshot!(format!("help-{command}"), printed(&[command, "--help"]));
    }
}

#[test]
fn each_word_of_pack_has_help_of_its_own() {
    for word in ["build", "keygen", "sign", "verify", "push", "pull", "tags", "save", "load", "lock", "inspect", "test"]
    {
        insta::assert_snapshot!(format!("help-pack-{word}"), printed(&["pack", word, "--help"]));
    }
}

#[test]
fn run_takes_what_no_subcommand_takes() {
    let arguments = |text: &str| {
        let lines = text.lines().map(str::trim).filter(|line| line.starts_with('-') && !line.starts_with("-V"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(arguments(&printed(&["--help"])), arguments(&printed(&["run", "--help"])));
}

#[test]
fn the_version_is_that_of_the_package() {
    assert_eq!(printed(&["--version"]), format!("orgwatch-host {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn each_shell_gets_its_completions() {
    for (shell, sign) in [
        ("bash", "complete -F _orgwatch"),
        ("zsh", "#compdef orgwatch-host"),
        ("fish", "complete -c orgwatch-host"),
        ("elvish", "edit:completion"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let script = printed(&["completions", shell]);
        assert!(script.contains(sign) && script.contains("fail-on"), "{shell}: {script}");
    }
}
