//! The tricks by which a policy's text can look stronger than it is, each with what it has to be read as.

use super::*;

/// Reads a policy of these statements at noon on 1 November 2026.
fn policy(statements: &str) -> Reading {
    read(&format!(r#"{{"Version":"2012-10-17","Statement":{statements}}}"#), "2026-11-01T12:00:00Z".parse().ok())
}

#[track_caller]
fn assert_strength(statements: &str, strength: Strength) -> Reading {
    let reading = policy(statements);
    assert_eq!(reading.strength, strength, "{statements}: {reading:?}");
    reading
}

/// A denial under a condition.
fn deny_under(condition: &str) -> String {
    format!(
        r#"[{{"Effect":"Deny","Action":"organizations:LeaveOrganization","Resource":"*","Condition":{condition}}}]"#
    )
}

/// A policy that allows everything and denies some actions.
fn deny(actions: &str) -> String {
    format!(
        r#"[{{"Effect":"Allow","Action":"*","Resource":"*"}},{{"Effect":"Deny","Action":{actions},"Resource":"*"}}]"#
    )
}

#[test]
fn an_honest_guardrail_is_read_as_one() {
    let reading =
        assert_strength(&deny(r#"["organizations:LeaveOrganization","cloudtrail:StopLogging"]"#), Strength::Denies);
    assert_eq!(reading.denies, ["cloudtrail:stoplogging", "organizations:leaveorganization"]);
    assert!(reading.remarks.is_empty() && !reading.is_weak());
    let single = r#"{"Sid":"Stay","Effect":"Deny","Action":"organizations:LeaveOrganization","Resource":"*"}"#;
    assert_strength(single, Strength::Denies);
    let regions = r#"[{"Effect":"Deny","NotAction":["iam:*","sts:*"],"Resource":"*",
                       "Condition":{"StringNotEquals":{"aws:RequestedRegion":["eu-west-1"]}}}]"#;
    assert_strength(regions, Strength::Denies);
    let automation =
        deny_under(r#"{"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/AWSControlTowerExecution"}}"#);
    assert_strength(&automation, Strength::Denies);
    let tags = r#"[{"Effect":"Deny","Action":"ec2:RunInstances","Resource":"arn:aws:ec2:*:*:instance/*",
                    "Condition":{"Null":{"aws:RequestTag/owner":"true"}}}]"#;
    assert_strength(tags, Strength::Denies);
    let perimeter = r#"[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{
        "StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-exampleorg1"},"BoolIfExists":{"aws:PrincipalIsAWSService":"false"}}}]"#;
    assert_strength(perimeter, Strength::Denies);
}

#[test]
fn an_allow_list_is_told_from_an_open_door() {
    assert_strength(r#"[{"Effect":"Allow","Action":["ec2:*","s3:Get*"],"Resource":"*"}]"#, Strength::AllowList);
    assert_strength(r#"[{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}]"#, Strength::DeniesNothing);
    assert_strength(r#"[{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::quux"}]"#, Strength::DeniesNothing);
    let reading = assert_strength(
        r#"[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-exampleorg1"}}}]"#,
        Strength::DeniesNothing,
    );
    assert_eq!(reading.remarks, ["an Allow is about everything, under a condition"]);
}

#[test]
fn everything_is_everything_however_it_is_written() {
    for action in [
        r#""*""#,
        r#""*:*""#,
        r#""**""#,
        r#""?*:*""#,
        r#""*:?*""#,
        r#"["*"]"#,
        r#"["ec2:*","*:*"]"#,
        r#""\u002a""#,
        r#""\u002A:\u002a""#,
    ] {
        for statements in [
            format!(r#"[{{"Effect":"Allow","Action":{action},"Resource":"*"}}]"#),
            format!(r#"{{"Effect":"Allow","Action":{action},"Resource":["*"]}}"#),
            format!(r#"{{"effect":"ALLOW","action":{action},"RESOURCE":"arn:aws:*"}}"#),
            format!(r#"{{"\u0045ffect":"\u0041llow","Acti\u006fn":{action},"Resource":"\u002a"}}"#),
            format!(
                r#"[{{"Effect":"Allow","Action":{action},"Resource":"*","Condition":{{"StringLike":{{"aws:PrincipalArn":"*"}}}}}}]"#
            ),
            format!(
                r#"[{{"Effect":"Allow","Action":{action},"Resource":"*","Condition":{{"Null":{{"aws:PrincipalArn":"false"}}}}}}]"#
            ),
        ] {
            assert_strength(&statements, Strength::FullAccess);
        }
    }
}

#[test]
fn everything_in_many_small_pieces_is_everything() {
    let letters: Vec<String> = (b'a'..=b'z').map(|letter| format!(r#""{}*:*""#, char::from(letter))).collect();
    let pieces = format!(r#"[{{"Effect":"Allow","Action":[{}],"Resource":"*"}}]"#, letters.join(","));
    assert_strength(&pieces, Strength::FullAccess);
    let statements: Vec<String> = (b'A'..=b'Z')
        .map(|letter| format!(r#"{{"Effect":"Allow","Action":"{}*","Resource":"*"}}"#, char::from(letter)))
        .collect();
    assert_strength(&format!("[{}]", statements.join(",")), Strength::FullAccess);
    let halves =
        r#"[{"Effect":"Allow","NotAction":"iam:*","Resource":"*"},{"Effect":"Allow","Action":"iam:*","Resource":"*"}]"#;
    assert_strength(halves, Strength::FullAccess);
    assert_strength(r#"[{"Effect":"Allow","NotAction":"none:None","Resource":"*"}]"#, Strength::FullAccess);
}

#[test]
fn a_deny_that_no_action_is_left_for_denies_nothing() {
    for statement in [
        r#"{"Effect":"Deny","NotAction":"*","Resource":"*"}"#,
        r#"{"Effect":"Deny","NotAction":["iam:*","*:*"],"Resource":"*"}"#,
        r#"{"Effect":"Deny","NotAction":"\u002a","Resource":"*"}"#,
        r#"{"Effect":"Deny","Action":[],"Resource":"*"}"#,
        r#"{"Effect":"Deny","Resource":"*"}"#,
        r#"{"Effect":"Deny","Action":"*","NotAction":"*","Resource":"*"}"#,
        r#"{"Effect":"Deny","Action":"LeaveOrganization","Resource":"*"}"#,
        r#"{"Effect":"Deny","Action":"organizations:","Resource":"*"}"#,
        // The first letter is Cyrillic; the second action ends in a space that takes no room.
        "{\"Effect\":\"Deny\",\"Action\":[\"\u{441}loudtrail:StopLogging\",\"cloudtrail:StopLogging\u{200b}\"],\"Resource\":\"*\"}",
        &format!(r#"{{"Effect":"Deny","Action":"s3:{}","Resource":"*"}}"#, "Quux".repeat(64)),
        r#"{"Effect":"Deny","Action":"*","NotResource":"*"}"#,
        r#"{"Effect":"Deny","Action":"*","NotResource":["arn:aws:*"]}"#,
        r#"{"Effect":"Deny","Action":"*","Resource":[]}"#,
        r#"{"Effect":"Deny","Action":"*"}"#,
        r#"{"Effect":"Deny","Action":{"x":"*"},"Resource":"*"}"#,
    ] {
        let reading = assert_strength(&format!("[{statement}]"), Strength::DeniesNothing);
        assert_eq!(reading.remarks.len(), 1, "{statement}");
        let beside = format!(r#"[{statement},{{"Effect":"Allow","Action":"*","Resource":"*"}}]"#);
        assert_strength(&beside, Strength::FullAccess);
    }
}

#[test]
fn an_effect_in_odd_letters_is_no_protection() {
    for effect in ["deny", "DENY", "Deny ", "D\u{435}ny", ""] {
        let statements = format!(r#"[{{"Effect":"{effect}","Action":"*","Resource":"*"}}]"#);
        assert_strength(&statements, Strength::DeniesNothing);
    }
    assert_strength("[]", Strength::DeniesNothing);
    assert_strength("{}", Strength::DeniesNothing);
    assert_strength(r#"["Deny"]"#, Strength::DeniesNothing);
}

#[test]
fn a_condition_that_is_never_met_denies_nothing() {
    for condition in [
        r#"{"StringNotLike":{"aws:PrincipalArn":"*"}}"#,
        r#"{"ArnNotLike":{"AWS:principalARN":["arn:aws:iam::111122223333:role/Admin","**"]}}"#,
        r#"{"ArnNotEquals":{"aws:PrincipalArn":"arn:*"}}"#,
        r#"{"ForAllValues:StringNotLikeIfExists":{"aws:PrincipalOrgID":"*"}}"#,
        r#"{"Null":{"aws:PrincipalArn":"true"}}"#,
        r#"{"Null":{"aws:CurrentTime":true}}"#,
        r#"{"StringEquals":{"aws:PrincipalAccount":[]}}"#,
        r#"{"DateLessThan":{"aws:CurrentTime":"2026-10-31T00:00:00Z"}}"#,
        r#"{"StringEquals":{"aws:RequestedRegion":"eu-west-1"},"StringNotEquals":{"aws:RequestedRegion":"eu-west-1"}}"#,
        r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/a"},"ArnNotEquals":{"aws:PrincipalArn":["arn:aws:iam::*:role/a"]}}"#,
        r#"{"StringEquals":{"aws:PrincipalArn":"a","aws:PrincipalArn":"b"}}"#,
        r#"["StringEquals"]"#,
        r#""never""#,
    ] {
        assert_strength(&deny_under(condition), Strength::DeniesNothing);
    }
    let later = r#"{"DateLessThan":{"aws:CurrentTime":"2026-11-02T00:00:00Z"}}"#;
    assert_strength(&deny_under(later), Strength::Denies);
}

#[test]
fn an_exemption_that_the_caller_can_claim_is_no_protection() {
    for condition in [
        r#"{"StringNotEquals":{"aws:UserAgent":"break-glass"}}"#,
        r#"{"StringNotLike":{"AWS:useragent":"*break-glass*"}}"#,
        r#"{"StringLike":{"aws:UserAgent":"curl/*"}}"#,
        r#"{"StringNotEquals":{"aws:Referer":"https://example.com/"}}"#,
        r#"{"StringNotEquals":{"sts:RoleSessionName":"emergency"}}"#,
        r#"{"StringNotLike":{"aws:userid":"*:emergency"}}"#,
        r#"{"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}}"#,
        r#"{"ArnNotLike":{"aws:PrincipalArn":["arn:aws:iam::*:role/Q*","arn:*:*:*:*:role/?*"]}}"#,
        r#"{"Bool":{"aws:SecureTransport":"true"},"StringNotEquals":{"aws:UserAgent":"x"}}"#,
    ] {
        let reading = assert_strength(&deny_under(condition), Strength::Avoidable);
        assert!(reading.is_weak() && reading.remarks[0].starts_with("a Deny can be got around"), "{reading:?}");
    }
    let role_by_id = r#"{"StringNotLike":{"aws:userid":"AROACKCEVSQ6C2EXAMPLE:*"}}"#;
    assert_strength(&deny_under(role_by_id), Strength::Denies);
}

#[test]
fn one_hollow_deny_beside_an_honest_one_is_remarked_upon() {
    let reading = assert_strength(
        r#"[{"Effect":"Deny","Action":"s3:DeleteBucket","Resource":"*"},{"Effect":"Deny","NotAction":"*","Resource":"*"},
            {"Effect":"Deny","Action":"iam:*","Resource":"*","Condition":{"StringNotEquals":{"aws:UserAgent":"x"}}}]"#,
        Strength::Denies,
    );
    assert_eq!(reading.denies, ["s3:deletebucket"]);
    assert_eq!(reading.remarks.len(), 2);
}

#[test]
fn a_text_that_readers_can_disagree_on_protects_nothing() {
    for text in [
        "",
        "deny",
        r#"{"Version":"2012-10-17"}"#,
        r#"{"Statement":"Deny"}"#,
        &format!(r#"{{"Statement":{{"Effect":"Deny","Action":"*","Resource":"*"}}{}}}"#, " ".repeat(LONGEST)),
        r#"{"Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]"#,
        r#"{"Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}],"Statement":[]}"#,
        r#"{"Statement":[{"Effect":"Allow","Effect":"Deny","Action":"*","Resource":"*"}]}"#,
        r#"{"Statement":[{"Effect":"Deny","Action":"*","\u0041ction":"s3:x","Resource":"*"}]}"#,
    ] {
        let reading = read(text, None);
        assert_eq!(reading.strength, Strength::Unreadable, "{text}");
        assert!(reading.is_weak());
    }
}

#[test]
fn a_text_that_locks_everybody_out_is_told_from_a_guardrail() {
    for statements in [
        r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#,
        r#"[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":["*:*"],"Resource":["*"]}]"#,
        r#"[{"Effect":"Deny","Principal":"*","NotAction":"none:None","Resource":"*"}]"#,
    ] {
        assert_strength(statements, Strength::DeniesEverything);
    }
    let but_one_role = r#"{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"ArnNotLike":{
        "aws:PrincipalArn":"arn:aws:iam::111122223333:role/Responder"}}}"#;
    assert_strength(but_one_role, Strength::Denies);
}

#[test]
fn what_a_finding_quotes_is_bounded() {
    let actions: Vec<String> = (0..100).map(|number| format!(r#""s3:Action{number}{}""#, "x".repeat(100))).collect();
    let reading = assert_strength(&deny(&format!("[{}]", actions.join(","))), Strength::Denies);
    assert_eq!(reading.denies.len(), QUOTED);
    assert!(reading.denies.iter().all(|action| action.chars().count() <= crate::text::LONGEST + 1));
}

#[test]
fn a_policy_of_another_type_sets_something_or_is_empty() {
    for text in [
        r#"{"tags":{"owner":{"tag_key":{"@@assign":"Owner"}}}}"#,
        r#"{"services":{"@@operators_allowed_for_child_policies":["@@none"],"default":{"opt_out_policy":{"@@assign":"optOut"}}}}"#,
        r#"{"plans":[{"regions":{"\u0040@assign":["eu-west-1"]}}]}"#,
    ] {
        assert!(sets_something(text), "{text}");
    }
    for text in [
        "",
        "{}",
        r#"{"tags":{}}"#,
        r#"{"tags":{"owner":{"tag_key":{"@@assign":[]}}}}"#,
        r#"{"tags":{"@@assign":null}}"#,
    ] {
        assert!(!sets_something(text), "{text}");
    }
}
