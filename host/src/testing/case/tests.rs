//! Cases as people write them, and mistake them.

use serde_json::json;

use super::*;

const STOPPED: &str = r#"{"eventVersion": "1.11", "eventName": "StopLogging", "requestParameters": {"name": "main"}, "responseElements": null}"#;

fn read(files: &[(&str, &str)]) -> Result<Vec<Case>, String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    Case::read(folder.path(), &Room::default()).map_err(|error| causes::on_one_line(&error))
}

fn refusal(cases: &str) -> String {
    read(&[("fires_stopped.json", STOPPED), ("cases.toml", cases)]).unwrap_err()
}

#[test]
fn files_and_written_cases_are_read_in_order() {
    let cases = r#"
        [[case]]
        name = "an expected trail is quiet"
        event = "fires_stopped.json"
        settings = { expected = ["main"] }
        quiet = true

        [[case]]
        name = "a failed call is quiet"
        event = "fires_stopped.json"
        change = { "/errorCode" = "AccessDenied", "/requestParameters/name" = "other" }
        remove = ["/responseElements"]
        null = ["/requestParameters/more"]
        findings = 0
    "#;
    let files = [
        ("quiet_x.json", r#"{"eventVersion": "1.11"}"#),
        ("fires_stopped.json", STOPPED),
        ("cases.toml", cases),
        ("settings.toml", "a = 1"),
    ];
    let cases = read(&files).unwrap();
    let names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names, ["fires_stopped.json", "quiet_x.json", "an expected trail is quiet", "a failed call is quiet"]);
    assert_eq!(cases[0].settings["a"], 1);
    assert_eq!(cases[2].settings["expected"], json!(["main"]));
    let expected = json!({
        "eventVersion": "1.11",
        "eventName": "StopLogging",
        "requestParameters": { "name": "other", "more": null },
        "errorCode": "AccessDenied"
    });
    assert_eq!(cases[3].story.record(0).unwrap(), expected);
    assert_eq!(cases[3].expected, Expected::Count(0));
}

#[test]
fn a_story_has_its_earlier_events_first() {
    let cases = r#"
        [[case]]
        name = "three"
        event = { eventName = "C" }
        earlier = ["fires_stopped.json", { event = "fires_stopped.json", change = { "/eventName" = "B" } }, { eventName = "D" }]
        tables.accounts = [{ account = "111122223333", name = "Payments" }]
        tables.blocks = [{ cidr = "192.0.2.0/24", name = "office" }]
        [[case.finding]]
        severity = "high"
    "#;
    let cases = read(&[("fires_stopped.json", STOPPED), ("cases.toml", cases)]).unwrap();
    let story = &cases[1].story;
    let names: Vec<Value> = (0..story.len()).map(|place| story.record(place).unwrap()["eventName"].clone()).collect();
    assert_eq!(names, ["StopLogging", "B", "D", "C"]);
    let tables = &cases[1].tables;
    assert_eq!(&*tables.get("accounts").unwrap().row("111122223333").unwrap()["name"], "Payments");
    assert_eq!(&*tables.get("blocks").unwrap().row("192.0.2.7").unwrap()["name"], "office");
    assert!(cases[1].expected.fires());
}

#[test]
fn a_case_that_makes_no_sense_is_refused_with_its_name() {
    let case = |more: &str| format!("[[case]]\nname = \"x\"\nevent = \"fires_stopped.json\"\n{more}");
    for (cases, message) in [
        (case(""), "it does not say what to expect"),
        (case("quiet = true\nfindings = 1"), "it expects two things at once"),
        (case("findings = 2\n[[case.finding]]\nkey = \"a\""), "`findings` is 2, and there are 1 [[case.finding]]"),
        (case("quiet = true\nchange = { errorCode = 1 }"), "`errorCode` is not a JSON Pointer"),
        (case("quiet = true\nremove = [\"/nothing\"]"), "there is nothing at `/nothing` to remove"),
        (case("quiet = true").replace("fires_stopped", "missing"), "the event `missing.json`: failed to read"),
        (case("quiet = true") + "\n" + &case("quiet = true"), "another case has the same name"),
        (case("quite = true"), "unknown field `quite`"),
        (case("quiet = true\nearlier = [{ event = \"fires_stopped.json\", chnge = {} }]"), "unknown field `chnge`"),
        (case("quiet = true\ntables.accounts = [{ id = \"1\" }]"), "account"),
        (case("quiet = true").replace("\"fires_stopped.json\"", "5"), "neither the name of a file nor a table"),
    ] {
        let told = refusal(&cases);
        assert!(told.contains(message), "{cases}\n{told}");
    }
    assert!(read(&[("stopped.json", STOPPED)]).unwrap_err().contains("begin its name with fires_ or quiet_"));
    assert!(read(&[("fires_x.json", "{")]).unwrap_err().contains("has something that is no event"));
}

#[test]
fn a_case_reads_nothing_but_events_of_its_pack() {
    for name in ["fires.json", "../other/fires.json", "./x/../fires.json", "../other.json"] {
        assert!(stays_among_events(Path::new(name)), "{name}");
    }
    for name in ["/etc/passwd", "../../pack.toml", "../../../etc/passwd", "x/../../../pack.toml"] {
        assert!(!stays_among_events(Path::new(name)), "{name}");
    }
}

#[test]
fn one_file_that_is_named_over_and_over_is_too_much_some_day() {
    let folder = tempfile::tempdir().unwrap();
    let large = format!("{{\"eventVersion\":\"1.11\",\"eventName\":\"{}\"}}", "x".repeat(200 << 10));
    fs::write(folder.path().join("large.txt"), large).unwrap();
    // A quarter of a terabyte.
    let earlier = "\"large.txt\",".repeat(1 << 20);
    let case = format!("[[case]]\nname = \"a\"\nevent = \"large.txt\"\nearlier = [{earlier}]\nquiet = true\n");
    fs::write(folder.path().join("cases.toml"), case).unwrap();
    let error = Case::read(folder.path(), &Room::default()).unwrap_err();
    assert!(causes::on_one_line(&error).contains("the cases hold more than 256 MiB"), "{error}");
}

#[test]
fn large_settings_are_not_copied_for_every_event_without_end() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("settings.toml"), format!("text = \"{}\"\n", "x".repeat(8 << 20))).unwrap();
    for number in 0..40 {
        fs::write(folder.path().join(format!("quiet_{number}.json")), STOPPED).unwrap();
    }
    let error = Case::read(folder.path(), &Room::default()).unwrap_err();
    assert!(causes::on_one_line(&error).contains("the cases hold more than 256 MiB"), "{error}");
}
