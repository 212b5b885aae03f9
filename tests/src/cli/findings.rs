//! How findings look: JSON for programs, text for people.

use serde_json::Value;

use super::judge;
use crate::support::{Ran, Run, root};

/// A line of JSON as it is, but for the digest that every compilation changes.
fn line(ran: &Ran, number: usize) -> String {
    let digest = ran.findings()[number]["rule"]["digest"].as_str().expect("a digest is text").to_owned();
    ran.stdout.lines().nth(number).expect("there are so many findings").replace(&digest, "sha256:…")
}

#[test]
fn the_json_of_a_finding_has_the_documented_keys_in_their_order() {
    let ran = judge(&["--output", "json"]).run();
    insta::assert_snapshot!(line(&ran, 0), @r#"
    {"id":"addc202fd9a52bf1a421e8fa516df159d11cbc201cab066a6ea392d3a4b7a566","rule":{"id":"cis.organizations-changes","component":"cis.organizations-changes","version":"1.0.0","digest":"sha256:…","settings":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","pack":"orgwatch/cis-aws-foundations@0.1.0"},"title":"AttachPolicy in 111122223333: policy p-00000001, target r-ex1a","severity":"medium","key":"111122223333 AttachPolicy policy p-00000001, target r-ex1a","event":{"id":"4e5f6071-8293-44a5-8617-000000000001","action":"4e5f6071-8293-44a5-8617-000000000001","digest":"sha256:7905d46bde1ab44fb71dd57e258166d9698718a0ca7a32744f2db0a3183be17d","time":"2026-10-05T10:01:00Z","source":"organizations.amazonaws.com","name":"AttachPolicy","account":"111122223333","region":"us-east-1","actor":"arn:aws:sts::111122223333:assumed-role/OrgAdmin/anaya","source_ip":"192.0.2.44","error_code":null},"details":{"caller_account":"111122223333","in_cis_control":true,"mfa":true,"policy":"p-00000001","role":"arn:aws:iam::111122223333:role/OrgAdmin","target":"r-ex1a","undo":"DetachPolicy with the same policy and target"},"attack":["T1484","T1666"],"references":["CIS AWS Foundations 1.3 to 5.0 §4.15","CIS AWS Foundations 6.0 and 7.0 §5.15","https://docs.aws.amazon.com/organizations/latest/userguide/orgs_cloudtrail-integration.html"]}
    "#);
    insta::assert_snapshot!(line(&ran, 1), @r#"
    {"id":"ee7bcaa6908103f5c14280c3ac175276d85cbe9eebefa2b27a45ca6e0a053b62","rule":{"id":"org.account-departed","component":"org.account-departed","version":"1.0.0","digest":"sha256:…","settings":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","pack":"orgwatch/aws-organizations@0.1.0"},"title":"Account 444400000002 left the organization of 111122223333","severity":"high","key":"444400000002","event":{"id":"4e5f6071-8293-44a5-8617-000000000002","action":"4e5f6071-8293-44a5-8617-000000000002","digest":"sha256:5e7e1410aed8731b9b83a0be0268a73dd156673295c70692a2fb90374f043292","time":"2026-10-05T10:02:00Z","source":"organizations.amazonaws.com","name":"AccountDepartedOrganization","account":"111122223333","region":"us-east-1","actor":"organizations.amazonaws.com","source_ip":"organizations.amazonaws.com","error_code":null},"details":{"actor":{"account":"111122223333","invoked_by":"organizations.amazonaws.com","kind":"service","mfa":null,"principal":"organizations.amazonaws.com","source_ip":"organizations.amazonaws.com"},"check_next":"The LeaveOrganization or AcceptHandshake record in the trail of the account, and what your other accounts grant to it.","console":{"account":"https://console.aws.amazon.com/organizations/v2/home/accounts/444400000002","record":"https://console.aws.amazon.com/cloudtrailv2/home?region=us-east-1#/events?EventId=4e5f6071-8293-44a5-8617-000000000002"},"departed_time":"2026-10-05T10:02:00Z","error_code":null,"management_account":"111122223333","member_account":"444400000002","method":"LEFT","operation":"AccountDepartedOrganization","outcome":"succeeded","undo":"Invite the account back, and have it accept: nobody can fetch it back without its consent."},"attack":["T1666"],"references":["https://aws.amazon.com/about-aws/whats-new/2026/05/aws-organizations-cloudtrail/","https://docs.aws.amazon.com/organizations/latest/APIReference/API_LeaveOrganization.html"]}
    "#);
}

#[test]
fn findings_are_json_where_nobody_watches() {
    let piped = judge(&[]).run();
    assert_eq!(piped.stdout, judge(&["--output", "json"]).run().stdout);
    assert!(piped.findings().iter().all(Value::is_object));
}

#[test]
fn the_text_of_the_example_is_a_story() {
    let run = Run::new(["--rules", "rules", "--output", "text", "events"]).with_rules();
    let ran = run.link("events", root().join("examples/events")).run();
    insta::assert_snapshot!("text-of-the-example", format!("{}---\n{}", ran.stdout, ran.told()));
}

#[test]
fn colours_come_only_where_they_are_wanted() {
    let text = |arguments: &[&str]| judge(&[&["--output", "text"], arguments].concat());
    let plain = text(&[]).run().stdout;
    assert!(!plain.contains('\x1b'), "a pipe gets no colours");
    assert_eq!(text(&["--color", "never"]).run().stdout, plain);
    assert_eq!(text(&[]).env("NO_COLOR", "1").run().stdout, plain);
    let coloured = text(&["--color", "always"]).run().stdout;
    assert_eq!(
        text(&["--color", "always"]).env("NO_COLOR", "1").run().stdout,
        coloured,
        "a flag counts over the environment"
    );
    insta::assert_snapshot!(coloured.lines().next().unwrap_or_default().escape_debug(), @r"
    \u{1b}[1m\u{1b}[33mMEDIUM    \u{1b}[0m\u{1b}[1mAttachPolicy in 111122223333: policy p-00000001, target r-ex1a\u{1b}[0m
    ");
    let json = judge(&["--output", "json", "--color", "always"]).run().stdout;
    assert!(!json.contains('\x1b'), "JSON has no colours");
}
