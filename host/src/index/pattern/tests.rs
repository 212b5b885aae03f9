//! The language, row by row: each table is a part of the EventBridge documentation or a choice that the modules around
//! explain.

mod bounds;
mod refusals;

use orgwatch_rules_sdk::json::Document;

use super::{Pattern, PatternErrorKind};

fn matches(pattern: &str, event: &str) -> bool {
    let event = Document::parse(event).expect(event);
    Pattern::parse(pattern).expect(pattern).matches(event.root())
}

/// Checks each pattern on events that it matches and on events that it does not.
#[track_caller]
fn check(rows: &[(&str, &[&str], &[&str])]) {
    for (pattern, matching, others) in rows {
        for event in *matching {
            assert!(matches(pattern, event), "{pattern} does not match {event}");
        }
        for event in *others {
            assert!(!matches(pattern, event), "{pattern} matches {event}");
        }
    }
}

/// Checks an array of alternatives on values of its field.
#[track_caller]
fn check_values(rows: &[(&str, &[&str], &[&str])]) {
    for (alternatives, matching, others) in rows {
        let pattern = format!(r#"{{"a":{alternatives}}}"#);
        for (values, expected) in [(matching, true), (others, false)] {
            for value in *values {
                let event = format!(r#"{{"a":{value}}}"#);
                assert_eq!(matches(&pattern, &event), expected, "{pattern} on {event}");
            }
        }
    }
}

fn error(pattern: &str) -> PatternErrorKind {
    Pattern::parse(pattern).expect_err(pattern).kind
}

#[test]
fn all_fields_have_to_hold_and_one_alternative_of_each() {
    check(&[
        (
            r#"{"a":["x","y"],"b":[1]}"#,
            &[r#"{"a":"x","b":1,"c":0}"#, r#"{"b":1,"a":"y"}"#],
            &[r#"{"a":"x"}"#, r#"{"a":"z","b":1}"#, "{}"],
        ),
        (
            r#"{"a":{"b":["x"]}}"#,
            &[r#"{"a":{"b":"x"}}"#],
            &[r#"{"a":"x"}"#, r#"{"a":{"b":{"c":"x"}}}"#, r#"{"b":"x"}"#, "[]", "1"],
        ),
        (r#"{"a":["x"]}"#, &[], &[r#"{"A":"x"}"#, r#"{"a":"X"}"#, r#"{"a":{"b":"x"}}"#, r#"{"a":"x "}"#]),
        (r#"{"":["x"]}"#, &[r#"{"":"x"}"#], &[r#"{"a":"x"}"#]),
        (r#"{"":{"":["x"]}}"#, &[r#"{"":{"":"x"}}"#, r#"{".":"x"}"#], &[r#"{"":"x"}"#]),
        (r#"{"a":[{"anything-but":"x"},{"anything-but":"y"}]}"#, &[r#"{"a":"x"}"#, r#"{"a":"y"}"#], &["{}"]),
    ]);
}

#[test]
fn a_dot_in_a_name_is_a_level_in_the_pattern_and_in_the_event() {
    let events: &[&str] = &[
        r#"{"d":{"s":{"t":1}}}"#,
        r#"{"d":{"s.t":1}}"#,
        r#"{"d.s":{"t":1}}"#,
        r#"{"d.s.t":1}"#,
        r#"{"d":{"s":{"t":2},"s.t":1}}"#,
        r#"{"d":{"s":{"t":1},"s.t":2}}"#,
        r#"{"d":[{"s":[0]},{"s.t":[2,1]}]}"#,
    ];
    let others: &[&str] = &[r#"{"d":{"s":{"t":2},"s.t":3}}"#, r#"{"d":{"t":1}}"#, r#"{"d.s":1}"#, r#"{"d.s.t.u":1}"#];
    for pattern in [r#"{"d":{"s":{"t":[1]}}}"#, r#"{"d":{"s.t":[1]}}"#, r#"{"d.s":{"t":[1]}}"#, r#"{"d.s.t":[1]}"#] {
        check(&[(pattern, events, others)]);
    }
    check(&[
        (
            r#"{"a.b":[{"exists":false}]}"#,
            &[r#"{"a":{"c":1}}"#, r#"{"a.c":1}"#],
            &[r#"{"a.b":1}"#, r#"{"a":{"b":1},"a.b":[]}"#],
        ),
        (
            r#"{"a.b":{"x":[1],"y":[2]}}"#,
            &[r#"{"a.b":[{"x":1,"y":2}]}"#, r#"{"a.b.x":1,"a":{"b":{"y":2}}}"#],
            &[r#"{"a.b":[{"x":1},{"y":2}]}"#, r#"{"a":[{"b.x":1},{"b":{"y":2}}]}"#],
        ),
    ]);
}

#[test]
fn the_last_of_a_repeated_field_counts() {
    check(&[
        (
            r#"{"a":["x"],"a":["y"]}"#,
            &[r#"{"a":"y"}"#, r#"{"a":"x","a":"y"}"#],
            &[r#"{"a":"x"}"#, r#"{"a":"y","a":"x"}"#],
        ),
        (r#"{"a":{"b":[1]},"a.b":[2]}"#, &[r#"{"a":{"b":2}}"#], &[r#"{"a":{"b":1}}"#]),
        (r#"{"a.b":[2],"a":{"b":[1]}}"#, &[r#"{"a":{"b":1}}"#], &[r#"{"a":{"b":2}}"#]),
        (r#"{"a":{"b":[1]},"a.c":[2]}"#, &[r#"{"a":{"b":1,"c":2}}"#], &[r#"{"a":{"b":1}}"#, r#"{"a":{"c":2}}"#]),
    ]);
}

#[test]
fn any_value_of_an_array_will_do_however_deep_it_is_nested() {
    check_values(&[
        (
            r#"["x","y"]"#,
            &[r#"["z","y"]"#, r#"[["z"],[["x"]]]"#, r#"[{"b":1},"x"]"#],
            &[r#"["z"]"#, "[]", "[[]]", r#"[{"a":"x"}]"#],
        ),
        ("[null]", &["null", "[null]"], &[r#""""#, "[]", "{}", "0", "false"]),
        (r#"[""]"#, &[r#""""#], &["null", "[]"]),
    ]);
}

#[test]
fn fields_inside_the_objects_of_an_array_hold_for_the_same_object() {
    let people = r#"{"e":[{"f":"Anna","l":"Smith"},{"f":"Peter","l":"Jones"}]}"#;
    check(&[
        (r#"{"e":{"f":["Anna"],"l":["Smith"]}}"#, &[people], &[]),
        (r#"{"e":{"f":["Anna"],"l":["Jones"]}}"#, &[], &[people]),
        (r#"{"e.f":["Anna"],"e":{"l":["Jones"]}}"#, &[], &[people]),
        (r#"{"e":{"f":[{"exists":true}],"l":["Jones"]}}"#, &[people], &[]),
        // Beside each other, arrays and fields bear on nothing but themselves.
        (r#"{"a":{"x":[1]},"b":{"x":[2]},"c":[3]}"#, &[r#"{"a":[{"x":0},{"x":1}],"b":[{"x":2},{"x":0}],"c":3}"#], &[]),
        // Scalars in an array have no element to agree on.
        (r#"{"e":{"t":["a"],"u":["d"]}}"#, &[r#"{"e":[{"t":["b","a"],"u":["c","d"]}]}"#], &[]),
        // Nested arrays agree at each level, and the first element that fits one field need not be the one.
        (
            r#"{"e":{"n":[1],"s":{"k":[1],"v":[2]}}}"#,
            &[
                r#"{"e":[{"n":1,"s":[{"k":1,"v":1}]},{"n":1,"s":[{"k":1,"v":1},{"k":1,"v":2}]}]}"#,
                r#"{"e":[[[{"n":1,"s":[[{"k":1,"v":2}]]}]]]}"#,
            ],
            &[
                r#"{"e":[{"n":1,"s":[{"k":1,"v":1},{"k":2,"v":2}]}]}"#,
                r#"{"e":[{"n":1,"s":[{"k":1}]},{"n":0,"s":[{"k":1,"v":2}]}]}"#,
            ],
        ),
        // A field can have values and fields only as an array of both.
        (
            r#"{"a":["x"],"a.b":[1]}"#,
            &[r#"{"a":["x",{"b":1}]}"#],
            &[r#"{"a":"x"}"#, r#"{"a.b":1}"#, r#"{"a":{"b":1}}"#, r#"{"a":["y",{"b":1}]}"#],
        ),
    ]);
}

#[test]
fn a_record_that_spells_one_path_in_two_ways_is_judged_field_by_field() {
    check(&[
        (
            r#"{"s":{"x":[1],"y":[2]}}"#,
            &[r#"{"s":{"x":1},"s.y":2}"#, r#"{"s":[{"x":1,"y":0},{"x":0,"y":2}],"s.x":0}"#],
            &[r#"{"s":{"x":1},"s.y":0}"#, r#"{"s":{"x":1},"s.x":2}"#],
        ),
        (
            r#"{"s":{"x":[{"exists":false}],"y":[2]}}"#,
            &[r#"{"s":{"z":1},"s.y":2}"#],
            &[r#"{"s":{"x":1},"s.y":2}"#, r#"{"s":{"y":2},"s.x":2}"#],
        ),
    ]);
}

#[test]
fn exists_asks_for_the_presence_of_a_value_and_its_absence() {
    let present: &[&str] =
        &[r#"{"a":{"b":1}}"#, r#"{"a":{"b":null}}"#, r#"{"a":{"b":[[0]]}}"#, r#"{"a":[{},{"b":""}]}"#];
    let absent: &[&str] = &[
        "{}",
        r#"{"a":null}"#,
        r#"{"a":1}"#,
        r#"{"a":{}}"#,
        r#"{"a":[]}"#,
        r#"{"a":{"b":{}}}"#,
        r#"{"a":{"b":[]}}"#,
        r#"{"a":{"b":[[],{}]}}"#,
        r#"{"a":{"b":{"c":1}}}"#,
        r#"{"b":1}"#,
    ];
    check(&[
        (r#"{"a":{"b":[{"exists":true}]}}"#, present, absent),
        (r#"{"a":{"b":[{"exists":false}]}}"#, absent, present),
        (r#"{"a":{"b":[{"anything-but":"x"}]}}"#, present, absent),
        (
            r#"{"a":[{"exists":false},"x"]}"#,
            &["{}", r#"{"a":"x"}"#, r#"{"a":["y","x"]}"#],
            &[r#"{"a":"y"}"#, r#"{"a":null}"#],
        ),
        (r#"{"a":[{"exists":false}],"b":[1]}"#, &[r#"{"b":1}"#], &["{}", r#"{"a":1,"b":1}"#]),
    ]);
}

#[test]
fn absence_is_judged_within_the_array_element_that_the_other_fields_settle_on() {
    let staff = r#"{"e":[{"firstName":"Anna"},{"firstName":"John","ids":[1]}]}"#;
    let named = |name: &str| format!(r#"{{"e":{{"firstName":["{name}"],"ids":[{{"exists":false}}]}}}}"#);
    check(&[(&named("Anna"), &[staff], &[]), (&named("John"), &[], &[staff])]);
    // The order of the names is of no consequence.
    check(&[
        (
            r#"{"a":{"n":["x"],"m":[{"exists":false}]}}"#,
            &[r#"{"a":[{"n":"x"},{"n":"y","m":1}]}"#],
            &[r#"{"a":[{"n":"x","m":1},{"n":"y"}]}"#],
        ),
        (
            r#"{"a":{"n":["x"],"z":[{"exists":false}]}}"#,
            &[r#"{"a":[{"n":"x"},{"n":"y","z":1}]}"#],
            &[r#"{"a":[{"n":"x","z":1},{"n":"y"}]}"#],
        ),
    ]);
    // Where nothing settles on an element, the field has to be absent from all of them.
    check(&[
        (r#"{"e":{"ids":[{"exists":false}]}}"#, &[r#"{"e":[{"n":1},{}]}"#], &[staff]),
        (r#"{"e":{"ids":[{"exists":false}]},"b":[1]}"#, &[], &[r#"{"b":1,"e":[{"n":1},{"ids":1}]}"#]),
        (
            r#"{"e":{"ids":[{"exists":false},1],"n":[{"exists":false},2]}}"#,
            &[r#"{"e":[{"ids":1},{"n":3}]}"#],
            &[r#"{"e":[{},{"n":3}]}"#],
        ),
    ]);
}

#[test]
fn a_literal_matches_its_own_type_only() {
    check_values(&[
        ("[true]", &["true"], &["false", r#""true""#, "1"]),
        ("[false]", &["false"], &["true", r#""""#, "0", "null"]),
        ("[300]", &["300", "300.0", "3.0e2"], &[r#""300""#, "301", "true"]),
        ("[9007199254740993]", &["9007199254740993"], &["9007199254740992", "9007199254740993.0"]),
        (r#"["1"]"#, &[r#""1""#, r#""\u0031""#], &["1"]),
        (r#"["\u00e9"]"#, &[r#""é""#], &[r#""e\u0301""#]),
        (r#"["2001:db8::1"]"#, &[r#""2001:db8::1""#], &[r#""2001:DB8::1""#, r#""2001:db8:0::1""#]),
        (r#"[{"exactly":"x"}]"#, &[r#""x""#], &[r#""X""#]),
    ]);
}

#[test]
fn string_operators_match_strings_only() {
    check_values(&[
        (r#"[{"prefix":"ab"}]"#, &[r#""ab""#, r#""abc""#, r#"["x","abc"]"#], &[r#""Abc""#, r#""a""#, r#""cab""#]),
        (r#"[{"prefix":"1"}]"#, &[r#""12""#], &["12", "true", "null"]),
        (r#"[{"prefix":""}]"#, &[r#""""#, r#""x""#], &["1", "null", "[]"]),
        (r#"[{"suffix":"ab"}]"#, &[r#""ab""#, r#""cab""#], &[r#""caB""#, r#""abc""#]),
        (r#"[{"suffix":""}]"#, &[r#""""#], &["1"]),
        (r#"[{"prefix":{"equals-ignore-case":"aB"}}]"#, &[r#""ABc""#], &[r#""cab""#, "1"]),
        (r#"[{"suffix":{"equals-ignore-case":"aB"}}]"#, &[r#""cAB""#], &[r#""abc""#, "1"]),
        (r#"[{"equals-ignore-case":"aB"}]"#, &[r#""Ab""#], &[r#""abc""#, r#""a""#, "null"]),
        (r#"[{"wildcard":"a*c"}]"#, &[r#""ac""#, r#""a\nc""#], &[r#""acd""#, r#""AC""#]),
        (r#"[{"wildcard":"*"}]"#, &[r#""""#], &["5", "null"]),
        (r#"[{"wildcard":"\\*"}]"#, &[r#""*""#], &[r#""x""#]),
        (r#"[{"cidr":"10.0.0.0/8"}]"#, &[r#""10.1.2.3""#], &[r#""11.0.0.0""#, r#""cloudtrail.amazonaws.com""#, "10"]),
    ]);
}

#[test]
fn numeric_compares_numbers_that_a_double_holds() {
    check_values(&[
        (r#"[{"numeric":["=",300]}]"#, &["300", "300.0", "3e2"], &[r#""300""#, "301", "null"]),
        (r#"[{"numeric":["=",0]}]"#, &["-0", "-0.0", "0e9"], &["1e-400"]),
        (r#"[{"numeric":["<",10]}]"#, &["9", "-1e300", "9.99"], &["10", r#""9""#]),
        (r#"[{"numeric":["<=",10]}]"#, &["10"], &["10.1"]),
        (r#"[{"numeric":[">",10]}]"#, &["10.1", "9007199254740992"], &["10", "9007199254740993", "1e400"]),
        (r#"[{"numeric":[">=",10]}]"#, &["10"], &["9"]),
        (r#"[{"numeric":[">",0,"<=",5]}]"#, &["5", "0.1"], &["0", "5.1", "-1"]),
        (r#"[{"numeric":[">=",0,"<",5]}]"#, &["0", "[7,3]"], &["5"]),
    ]);
}

#[test]
fn anything_but_accepts_every_value_that_it_does_not_exclude() {
    check_values(&[
        (
            r#"[{"anything-but":"a"}]"#,
            &[r#""b""#, "1", "true", "null", r#"["a","b"]"#],
            &[r#""a""#, r#"["a"]"#, "[]", "{}"],
        ),
        (r#"[{"anything-but":123}]"#, &[r#""123""#, "124"], &["123", "123.0"]),
        (r#"[{"anything-but":["a","b"]}]"#, &[r#""c""#, r#"["a","c"]"#], &[r#""a""#, r#""b""#, r#"["a","b"]"#]),
        (r#"[{"anything-but":[1,2]}]"#, &["3"], &["1", "2.0"]),
        (r#"[{"anything-but":{"prefix":"a"}}]"#, &[r#""b""#, "1"], &[r#""ab""#]),
        (r#"[{"anything-but":{"prefix":["a","b"]}}]"#, &[r#""c""#], &[r#""ab""#, r#""ba""#]),
        (r#"[{"anything-but":{"suffix":["a","b"]}}]"#, &[r#""c""#], &[r#""ab""#, r#""ba""#]),
        (r#"[{"anything-but":{"equals-ignore-case":["a","b"]}}]"#, &[r#""ab""#], &[r#""A""#, r#""b""#]),
        (r#"[{"anything-but":{"wildcard":["a*","*b"]}}]"#, &[r#""ca""#, "null"], &[r#""ac""#, r#""cb""#]),
    ]);
}

#[test]
fn one_branch_of_each_or_has_to_hold() {
    check(&[
        (
            r#"{"c":[0],"$or":[{"a":[1]},{"b":[2],"d":[3]}]}"#,
            &[r#"{"c":0,"a":1}"#, r#"{"c":0,"b":2,"d":3}"#],
            &[r#"{"a":1}"#, r#"{"c":0,"b":2}"#],
        ),
        (
            r#"{"a":{"$or":[{"b":[1]},{"c":[2]}]}}"#,
            &[r#"{"a":{"b":1}}"#, r#"{"a":{"c":2}}"#],
            &[r#"{"b":1}"#, r#"{"a":{"b":2}}"#],
        ),
        (
            r#"{"$or":[{"a":[1]},{"$or":[{"b":[2]},{"c":[3]}],"d":[4]}],"e":{"$or":[{"f":[5]},{"g":[6]}]}}"#,
            &[r#"{"a":1,"e":{"f":5}}"#, r#"{"b":2,"d":4,"e":{"g":6}}"#, r#"{"c":3,"d":4,"e":{"g":6}}"#],
            &[r#"{"a":1}"#, r#"{"b":2,"e":{"f":5}}"#, r#"{"e":{"f":5}}"#],
        ),
        // The same element has to hold a branch's fields and those around it.
        (
            r#"{"a":{"n":[1],"$or":[{"x":[1]},{"y":[1]}]}}"#,
            &[r#"{"a":[{"n":1,"y":1}]}"#],
            &[r#"{"a":[{"n":1},{"y":1}]}"#],
        ),
        // What is written last for a path counts.
        (
            r#"{"a":[1],"$or":[{"a":[2]},{"b":[3]}]}"#,
            &[r#"{"a":2}"#, r#"{"a":1,"b":3}"#],
            &[r#"{"a":1}"#, r#"{"b":3}"#],
        ),
        (r#"{"$or":[{"a":[2]},{"b":[3]}],"a":[1]}"#, &[r#"{"a":1}"#], &[r#"{"a":2}"#]),
    ]);
}

#[test]
fn pinned_strings_are_those_that_a_matching_event_needs() {
    let pinned = |pattern: &str| {
        let pattern = Pattern::parse(pattern).expect(pattern);
        pattern.pinned("n").map(|values| values.join(","))
    };
    assert_eq!(pinned(r#"{"n":["b","a","b"],"m":[1]}"#).as_deref(), Some("a,b"));
    assert_eq!(pinned(r#"{"$or":[{"n":["c"]},{"n":["a"],"m":[1]}]}"#).as_deref(), Some("a,c"));
    assert_eq!(pinned(r#"{"n":["b"],"$or":[{"n":["a"]},{"m":[1]}]}"#).as_deref(), Some("a,b"));
    for open in [
        r#"{"m":["a"]}"#,
        r#"{"n":["a",1]}"#,
        r#"{"n":["a",{"prefix":"b"}]}"#,
        r#"{"n":["a",{"exists":false}]}"#,
        r#"{"n":{"o":["a"]}}"#,
        r#"{"m":{"n":["a"]}}"#,
        r#"{"$or":[{"n":["a"]},{"m":["b"]}]}"#,
    ] {
        assert_eq!(pinned(open), None, "{open}");
    }
    assert_eq!(Pattern::everything().pinned("n"), None);
}

#[test]
fn everything_matches_any_record() {
    for record in ["{}", r#"{"a":[1]}"#, "null"] {
        assert!(Pattern::everything().matches(Document::parse(record).expect(record).root()));
    }
}

#[test]
fn the_source_is_the_text_without_the_space_between_its_tokens() {
    let text = " { \"b\" : [ 1.0 ,\n\t\" \\\" x\\\\\" ], \"a\" : [ null ] }\r\n";
    let pattern = Pattern::parse(text).expect(text);
    assert_eq!(pattern.source(), r#"{"b":[1.0," \" x\\"],"a":[null]}"#);
    assert_eq!(Pattern::parse(pattern.source()).expect("a pattern").source(), pattern.source());
    assert_eq!(format!("{:?}", Pattern::everything().clone()), r#"Pattern("{}")"#);
}

#[test]
fn a_pattern_can_be_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Pattern>();
}
