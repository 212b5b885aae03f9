//! Documents: what they say can be done can be done, and what they point to is there.

use super::{files, name, read};
use crate::support::{Run, pack, root};

/// The lines of the fenced shell blocks of a document, each continued line as one.
fn shell_commands(text: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut shell = false;
    for line in text.replace("\\\n", " ").lines() {
        match line.trim().strip_prefix("```") {
            Some(language) => shell = !shell && matches!(language, "sh" | "bash" | "shell" | "console"),
            None if shell => commands.push(line.trim().trim_start_matches("$ ").to_owned()),
            None => {}
        }
    }
    commands.retain(|command| !command.is_empty() && !command.starts_with('#'));
    commands
}

/// The arguments that a command gives to the host, where it starts it.
fn host_arguments(command: &str) -> Option<Vec<String>> {
    let arguments = match command.split_once("cargo run") {
        Some((_, rest)) => rest.split_once(" -- ")?.1,
        None => command.strip_prefix("orgwatch-host ")?,
    };
    let arguments = arguments.split(['|', '>', '#', '&', ';']).next().unwrap_or_default();
    Some(arguments.split_whitespace().map(|argument| argument.trim_matches(['"', '\'']).to_owned()).collect())
}

#[test]
fn operating_says_what_to_do_about_each_operational_finding() {
    let text = std::fs::read_to_string(root().join("docs/operating.md")).expect("docs/operating.md is there");
    for condition in orgwatch_host::health::Condition::ALL {
        let heading = format!("### `{}`\n", condition.id());
        assert!(text.contains(&heading), "docs/operating.md: say what to do about {}", condition.id());
    }
}

#[test]
fn the_readme_has_a_command_that_runs_the_rules_and_one_that_tests_them() {
    let Some(readme) = std::fs::read_to_string(root().join("README.md")).ok() else {
        panic!("README.md is missing: say what the program is, and the two commands that run and test it")
    };
    let commands = shell_commands(&readme);
    let runs: Vec<Vec<String>> = commands.iter().filter_map(|command| host_arguments(command)).collect();
    let built = runs.iter().any(|arguments| arguments.iter().any(|argument| argument == "--build"));
    assert!(built, "README.md: give a command that builds the rules and runs them: {commands:?}");
    let tests: Vec<&String> = commands.iter().filter(|command| command.contains("cargo test")).collect();
    assert!(!tests.is_empty(), "README.md: give the command that runs the tests");
    let ci = read(&root().join(".ci/run"));
    let same = tests.iter().any(|command| ci.contains(command.as_str()));
    assert!(same, ".ci/run: run the tests with the README's own command: {tests:?}");
}

#[test]
fn every_command_line_in_the_documents_is_accepted() {
    for document in files("", "md") {
        for command in shell_commands(&read(&document)) {
            let Some(mut arguments) = host_arguments(&command) else { continue };
            // A dry run judges nothing; a subcommand only has its arguments read.
            let subcommand = arguments.first().is_some_and(|first| !first.starts_with('-') && first != "run");
            let dry = if subcommand { "--help" } else { "--dry-run" };
            arguments.push(dry.to_owned());
            // Rules are somewhere, and a run with --locked wants a lock file, were it an empty one.
            let run = Run::new(&arguments).with_all_rules().file("orgwatch.lock", "version = 1\n");
            let run = run.file("orgwatch.toml", "[[rules]]\npath = \"rules\"\n");
            let run = run.link("examples", root().join("examples"));
            let ran = run.run();
            assert!(ran.code != 3, "{}: `{command}` is not understood:\n{}", name(&document), ran.stderr);
        }
    }
}

#[test]
fn the_example_configuration_is_accepted() {
    pack("rules");
    let events = root().join("examples/events");
    let ran = Run::new(["--config"]).argument(root().join("examples/orgwatch.toml")).argument(events).run();
    assert_eq!(ran.code, 0, "examples/orgwatch.toml: {}", ran.stderr);
    assert!(!ran.findings().is_empty(), "{}", ran.stderr);
}

/// The targets of a document's relative links.
fn links(text: &str) -> Vec<String> {
    let mut fenced = false;
    let mut links = Vec::new();
    for line in text.lines() {
        fenced ^= line.trim_start().starts_with("```");
        let targets = line.split("](").skip(1).filter(|_| !fenced).filter_map(|rest| rest.split(')').next());
        links.extend(targets.map(str::to_owned));
    }
    links.retain(|link| !link.contains("://") && !link.starts_with('#') && !link.starts_with("mailto:"));
    links
}

#[test]
fn every_link_in_the_documents_leads_to_a_file() {
    for document in files("", "md") {
        for link in links(&read(&document)) {
            let target = link.split('#').next().unwrap_or_default();
            let path = document.parent().expect("a file lies in a folder").join(target);
            assert!(path.exists(), "{}: the link to `{link}` leads nowhere", name(&document));
        }
    }
}

#[test]
fn links_and_commands_are_found_in_markdown() {
    let text = "See [a](docs/a.md#part) and [b](https://example.com).\n\n```sh\n# first\ncargo run --release -- --build \\\n  --rules rules/ events/\n```\n\n```toml\n[x](y)\n```\n";
    assert_eq!(links(text), ["docs/a.md#part"]);
    let commands = shell_commands(text);
    assert_eq!(commands, ["cargo run --release -- --build    --rules rules/ events/"]);
    assert_eq!(host_arguments(&commands[0]).expect("it starts the host"), ["--build", "--rules", "rules/", "events/"]);
    assert_eq!(
        host_arguments("orgwatch-host inspect x.wasm | less").expect("it starts the host"),
        ["inspect", "x.wasm"]
    );
    assert_eq!(host_arguments("cargo test --workspace"), None);
}
