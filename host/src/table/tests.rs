//! Tables: what they find, and what they refuse.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;

fn config(name: &str, key: &str, by: Match) -> TableConfig {
    TableConfig { name: name.to_owned(), path: format!("{name}.file").into(), key: key.to_owned(), r#match: by }
}

fn parse(key: &str, text: &str) -> Result<Table, String> {
    Table::parse(&config("teams", key, Match::Exact), text.as_bytes()).map_err(|error| error.to_string())
}

fn networks(text: &str) -> Result<Table, String> {
    Table::parse(&config("networks", "cidr", Match::Cidr), text.as_bytes()).map_err(|error| error.to_string())
}

#[track_caller]
fn refused(result: Result<Table, String>, expected: &str) {
    assert_eq!(result.err().as_deref(), Some(expected));
}

#[test]
fn a_row_is_found_by_the_very_text_of_its_key() {
    let table = parse("team", "team,name\nred,Red team\n\"blue, dark\",\n").unwrap();
    assert_eq!(table.row("red").unwrap()["name"].as_ref(), "Red team");
    assert_eq!(table.row("red").unwrap()["team"].as_ref(), "red");
    // An empty cell is no text.
    assert!(!table.row("blue, dark").unwrap().contains_key("name"));
    for other in ["Red", " red", "red ", "re", "", "blue"] {
        assert!(table.row(other).is_none(), "{other}");
    }
    assert_eq!((table.len(), table.is_empty()), (2, false));
}

#[test]
fn all_forms_of_a_table_are_the_same_table() {
    let plain = parse("team", "team,name,cost\nred,Red,7\nblue,Blue,\n").unwrap();
    for other in [
        "\u{feff}team,name,cost\r\nred,Red,7\r\n\r\nblue,Blue,\r\n",
        "name,\"team\",cost\nBlue,blue,\nRed,red,7",
        r#" [{"team":"red","name":"Red","cost":7},{"team":"blue","name":"Blue","cost":null}]"#,
        r#"{"red":{"name":"Red","cost":"7"},"blue":{"name":"Blue","team":"blue"}}"#,
    ] {
        let table = parse("team", other).unwrap();
        assert_eq!(table.digest(), plain.digest(), "{other}");
        assert_eq!(table.row("blue"), plain.row("blue"), "{other}");
    }
    assert_ne!(parse("team", "team,name,cost\nred,Red,8\nblue,Blue,\n").unwrap().digest(), plain.digest());
    assert_ne!(parse("name", "team,name,cost\nred,Red,7\nblue,Blue,\n").unwrap().digest(), plain.digest());
}

#[test]
fn a_key_that_stands_twice_is_refused_with_both_lines() {
    let expected = "the table `teams.file` cannot be used: line 5, column `team`: `red` stands in line 2 already\nhint: keep one of the two lines";
    refused(parse("team", "team,name\nred,Red\n\nblue,Blue\nred,Other\n"), expected);
    refused(parse("team", "team,name\r\nred,Red\r\n\r\nblue,Blue\r\nred,Other\r\n"), expected);
    refused(parse("team", "[\n{\"team\":\"red\"},\n\n\n{\"team\":\"red\"}]"), expected);
    refused(parse("team", "{\n\"red\":{},\n\"blue\":{},\n\n\"red\":{}}"), expected);
    refused(
        networks("cidr,name\n2001:db8::/32,a\n2001:DB8:0::/32,b\n"),
        "the table `networks.file` cannot be used: line 3, column `cidr`: `2001:DB8:0::/32` stands in line 2 already\nhint: keep one of the two lines",
    );
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_what_to_do() {
    for (text, expected) in [
        ("", "it is empty\nhint: begin with a line of column names"),
        (
            "id;name\n1;a\n",
            "line 1: there is no column `team` for the key\nhint: the columns are `id;name`, and commas separate them",
        ),
        ("team, name\n", "line 1: the column ` name` has white space at an end of its name\nhint: take it out"),
        ("team,,x\n", "line 1: a column has no name\nhint: name it, or take it out"),
        ("team,x,x\n", "line 1, column `x`: there are two columns of this name\nhint: rename one of them"),
        (
            "team,x\na,b,c\n",
            "line 2: there are 3 cells for 2 columns\nhint: put a text that holds a comma into quotation marks",
        ),
        ("team,x\n,b\n", "line 2, column `team`: the row has no key\nhint: fill it in, or take the line out"),
        ("team,x\n\na ,b\n", "line 3, column `team`: `a ` has white space at an end\nhint: take it out"),
        (
            "team,x\na,\"b\nc,d\ne,f\n",
            "line 2, column `x`: the text goes on in the next line\nhint: is a quotation mark not closed?",
        ),
        (
            "[\n{\"team\": \"a\", \"x\": [1]}]",
            "line 2, column `x`: the value is a list or an object\nhint: write it as a text",
        ),
        (
            "[{\"team\": 1.5}]",
            "line 1, column `team`: the number is not a whole one, or too large\nhint: write it as a text, in quotation marks",
        ),
        ("[{\"team\": \"a\",\n \"team\": \"b\"}]", "line 2, column `team`: the row has it twice\nhint: take one out"),
        (
            "{\"a\": {\"team\": \"b\"}}",
            "line 1, column `team`: the object `a` has another key inside\nhint: leave it out there",
        ),
        ("[{}]", "line 1, column `team`: the row has no key\nhint: fill it in, or take the line out"),
    ] {
        refused(parse("team", text), &format!("the table `teams.file` cannot be used: {expected}"));
    }
    for (text, begins) in [
        ("[\n1]", "line 2: invalid type: integer `1`, expected an object"),
        ("[\n{\"team\": \"a\"}", "line 2: EOF while parsing a list"),
        ("[{\"team\": \"a\"}]\n[]", "line 2: trailing characters"),
        ("{\"a\": 7}", "line 1: invalid type: integer `7`, expected an object"),
    ] {
        let error = parse("team", text).unwrap_err();
        assert!(error.starts_with(&format!("the table `teams.file` cannot be used: {begins}")), "{error}");
    }
    let not_utf8 = Table::parse(&config("teams", "team", Match::Exact), b"team\n\xff\n").unwrap_err().to_string();
    assert!(not_utf8.contains("line 2, column `team`: the text is not UTF-8"), "{not_utf8}");
}

#[test]
fn a_table_that_is_too_large_is_refused() {
    let mut rows = "team\n".to_owned();
    for number in 0..=200_000 {
        let _ = writeln!(rows, "{number}");
    }
    assert!(parse("team", &rows).unwrap_err().contains("line 200002: there are more than 200000 rows"));
    let long = format!("team\n{}\n", "a".repeat(4_097));
    assert!(parse("team", &long).unwrap_err().contains("longer than 4096 bytes"));
    let wide = vec!["c"; 65].join(",");
    assert!(parse("team", &wide).unwrap_err().contains("more than 64 columns"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.csv");
    std::fs::write(&path, "a".repeat((16 << 20) + 1)).unwrap();
    let large = TableConfig { path, ..config("teams", "team", Match::Exact) };
    assert!(Table::load(&large).unwrap_err().to_string().contains("it is larger than 16 MiB"));
}

#[test]
fn the_smallest_network_that_holds_an_address_is_found() {
    let table = networks(
        "cidr,name\n10.0.0.0/8,all\n10.1.0.0/16,office\n10.1.2.3,printer\n2001:db8::/32,six\n::/0,rest\n203.0.113.128/25,exit\n",
    )
    .unwrap();
    let name = |address: &str| table.row(address).map(|row| row["name"].to_string());
    for (address, expected) in [
        ("10.9.9.9", Some("all")),
        ("10.1.9.9", Some("office")),
        ("10.1.2.3", Some("printer")),
        ("203.0.113.127", None),
        ("203.0.113.255", Some("exit")),
        ("2001:db8:ffff::1", Some("six")),
        ("2001:DB9::1", Some("rest")),
        ("::ffff:10.1.2.3", Some("rest")),
        ("10.1.2.3/32", None),
        (" 10.1.2.3", None),
        ("010.1.2.3", None),
        ("cloudtrail.amazonaws.com", None),
        ("", None),
    ] {
        assert_eq!(name(address).as_deref(), expected, "{address}");
    }
}

#[test]
fn what_is_no_network_is_refused() {
    for text in ["10.0.0.0/33", "10.0.0.0/+8", "10.0.0/8", "example.com", "::/129", "10.0.0.0/", "10.0.0.0/8/8"] {
        let error = networks(&format!("cidr\n{text}\n")).unwrap_err();
        assert!(error.contains(&format!("line 2, column `cidr`: `{text}` is not a network")), "{error}");
    }
    let error = networks("cidr\n10.1.2.3/8\n").unwrap_err();
    assert!(
        error.ends_with("`10.1.2.3/8` begins in the middle of a network\nhint: the network is 10.0.0.0/8"),
        "{error}"
    );
}

#[test]
fn the_keys_of_standard_tables_have_to_look_like_keys() {
    let load = |name: &str, key: &str, text: &str| {
        Table::parse(&config(name, key, Match::Exact), text.as_bytes()).map_err(|error| error.to_string())
    };
    assert!(load("accounts", "account", "account,name\n111122223333,Management\n").is_ok());
    let error = load("accounts", "account", "account,name\n1.11122E+11,Management\n").unwrap_err();
    assert!(error.contains("line 2, column `account`: `1.11122E+11` is not an account"), "{error}");
    assert!(load("principals", "arn", "arn\nOrgAdmin\n").unwrap_err().contains("is not the ARN of a principal"));
}

#[test]
fn tables_have_names_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    std::fs::write(&path, "team\nred\n").unwrap();
    let named = |name: &str| TableConfig { path: path.clone(), ..config(name, "team", Match::Exact) };
    let tables = Tables::load(&[named("one"), named("two")]).unwrap();
    assert_eq!(tables.iter().map(|table| table.name()).collect::<Vec<_>>(), ["one", "two"]);
    assert!(tables.get("one").unwrap().row("red").is_some() && tables.get("three").is_none());
    assert!(matches!(Tables::load(&[named("one"), named("one")]), Err(TableError::SameName(name)) if name == "one"));
    assert!(matches!(Tables::load(&[named("One")]), Err(TableError::Name(name)) if name == "One"));
    let missing = TableConfig { path: folder.path().join("none.csv"), ..named("one") };
    assert!(matches!(Tables::load(&[missing]), Err(TableError::Read { .. })));
}

/// A network in few bits, so that many of them hold each other.
fn network() -> impl Strategy<Value = (bool, u32, u8)> {
    (any::<bool>(), 0..=8_u32, any::<u8>())
}

fn address(is_v6: bool, byte: u8) -> IpAddr {
    if is_v6 { Ipv6Addr::from(u128::from(byte) << 120).into() } else { Ipv4Addr::from(u32::from(byte) << 24).into() }
}

proptest! {
    #[test]
    fn a_network_is_found_as_by_trying_them_all(list in prop::collection::vec(network(), 0..20), is_v6: bool, byte: u8) {
        let mut known = BTreeMap::new();
        for (is_v6, bits, byte) in list {
            let network = byte & u8::MAX.checked_shl(8 - bits).unwrap_or(0);
            known.insert((is_v6, bits, network), format!("{}/{bits}", address(is_v6, network)));
        }
        let text = known.values().fold("cidr\n".to_owned(), |text, line| text + line + "\n");
        let table = networks(&text).unwrap();
        let holding = known.iter().filter(|((v6, bits, network), _)| {
            *v6 == is_v6 && byte & u8::MAX.checked_shl(8 - bits).unwrap_or(0) == *network
        });
        let expected = holding.max_by_key(|((_, bits, _), _)| *bits).map(|(_, text)| text.clone());
        let found = table.row(&address(is_v6, byte).to_string()).map(|row| row["cidr"].to_string());
        prop_assert_eq!(found, expected);
    }
}
