//! The configuration, checked and shown before anything runs.

use serde_json::Value;

use crate::support::{Run, root};

#[test]
fn a_route_to_a_sink_that_is_not_there_is_wrong_usage() {
    let configuration = "[[sink]]\nkind = \"stdout\"\nname = \"out\"\n[[route]]\nsinks = [\"pager\"]\n";
    for arguments in [&["--rules", "rules"][..], &["config", "check", "--rules", "rules"]] {
        let ran = Run::new(arguments).with_rules().file("orgwatch.toml", configuration).run();
        assert_eq!(ran.code, 3, "{}", ran.stderr);
        let message = "error: a route leads to the sink `pager`, which is not there\nhint: the sinks are out\n";
        assert!(ran.stderr.ends_with(message), "{}", ran.stderr);
    }
}

#[test]
fn a_finding_that_no_route_takes_is_told_at_check_time() {
    let configuration = "[[sink]]\nkind = \"stdout\"\nname = \"out\"\n[[route]]\nrules = [\"org.*\", \"orgwatch.*\"]\nsinks = [\"out\"]\n";
    let run = Run::new(["config", "check", "--rules", "rules"]).with_rules().file("orgwatch.toml", configuration);
    let ran = run.run();
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("no route takes findings of cis.organizations-changes to any sink"), "{}", ran.stderr);
}

#[test]
fn the_example_is_sound_and_its_schema_is_json() {
    let ran = Run::new(["config", "check", "--rules", "rules", "--config"])
        .argument(root().join("examples/orgwatch.toml"))
        .with_rules()
        .run();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.starts_with("the configuration is sound: "), "{}", ran.stdout);
    let schema: Value = serde_json::from_str(&Run::new(["config", "schema"]).run().stdout).expect("a schema is JSON");
    for table in ["source", "sink", "route", "state", "table", "telemetry", "limits", "rule", "rules"] {
        assert!(schema["properties"].get(table).is_some(), "{table}");
    }
}

#[test]
fn a_setting_is_shown_with_where_it_comes_from() {
    let run = Run::new(["config", "show"]).file("orgwatch.toml", "[state]\nack = \"sinks\"\n");
    let shown = run.env("ORGWATCH_STATE_DIR", "/var/lib/orgwatch").run().stdout;
    let origin =
        |setting: &str| shown.lines().find(|line| line.starts_with(setting)).and_then(|line| line.split("# ").nth(1));
    assert_eq!(origin("state.ack = \"sinks\""), Some("file"), "{shown}");
    assert_eq!(origin("state.dir = \"/var/lib/orgwatch\""), Some("ORGWATCH_STATE_DIR"), "{shown}");
    assert_eq!(origin("state.retention = "), Some("default"), "{shown}");
}
