//! `sinks test`: whether a finding arrives, sink by sink, before anything depends on it.

use std::time::Duration;

use serde_json::Value;

use crate::servers::{Hook, Manner, free_port};
use crate::support::Run;

#[test]
fn each_sink_says_whether_it_took_a_finding_that_is_marked_as_a_test() {
    let [well, broken] = [200, 500].map(|status| Hook::start(move |_| Manner::status(status)));
    let deaf = Hook::start(|_| Manner { garbage: true, ..Manner::after(Duration::ZERO) });
    let nobody = format!("http://127.0.0.1:{}/hook", free_port());
    let urls = [("well", well.url()), ("broken", broken.url()), ("deaf", deaf.url()), ("nobody", &nobody)];
    let hooks = urls.map(|(name, _)| {
        format!("[[sink]]\nkind = \"webhook\"\nname = \"{name}\"\nurl = {{ file = \"{name}.url\" }}\n")
    });
    let file = "[[sink]]\nkind = \"file\"\nname = \"file\"\npath = \"findings.ndjson\"\n";
    let configuration = file.to_owned() + &hooks.concat();
    let test = |sinks: &[&str]| {
        let run = Run::new([&["sinks", "test"], sinks].concat()).file("orgwatch.toml", &configuration);
        urls.iter().fold(run, |run, (name, url)| run.file(&format!("{name}.url"), url)).run()
    };

    let all = test(&[]);
    assert_eq!(all.code, 4, "{}{}", all.stdout, all.stderr);
    let lines: Vec<&str> = all.stdout.lines().collect();
    let beginnings = [
        "file: taken",
        "well: taken",
        "broken: not taken: the service answered 500 Internal Server Error: ok",
        "deaf: not taken: failed to send it: ",
        "nobody: not taken: failed to send it: ",
    ];
    assert_eq!(lines.len(), beginnings.len(), "{lines:?}");
    for (line, beginning) in lines.iter().zip(beginnings) {
        assert!(line.starts_with(beginning), "{line}");
    }
    let sent = well.taken().remove(0)["finding"].clone();
    assert_eq!((&sent["rule"]["id"], &sent["details"]["test"]), (&Value::from("orgwatch.test"), &Value::from(true)));
    assert!(sent["title"].as_str().is_some_and(|title| title.starts_with("Test: ")), "{sent}");

    let one = test(&["well"]);
    assert_eq!((one.code, one.stdout.as_str(), well.taken().len()), (0, "well: taken\n", 2), "{}", one.stderr);
    let unknown = test(&["pager"]);
    assert_eq!((unknown.code, unknown.stdout.as_str()), (3, ""));
    let message = "error: there is no sink `pager`\nhint: the sinks are file, well, broken, deaf, nobody\n";
    assert_eq!(unknown.stderr, message);
}
