//! Batches of which a service takes a part, and services that take nothing: only what failed is sent again, and only what can never pass is refused.

use std::time::Duration;

use orgwatch_host::sink::Receipt;
use serde_json::{Value, json};

use super::stand_in::{Answer, Scripted, with_credentials};
use super::{assert_taken, deliveries, delivery, sink};

const WAIT: Option<Duration> = Some(Duration::from_secs(7));

fn again(receipt: &Receipt, word: &str) -> bool {
    matches!(receipt, Receipt::Again { reason, .. } if reason.contains(word))
}

fn refused(receipt: &Receipt, word: &str) -> bool {
    matches!(receipt, Receipt::Refused { reason } if reason.contains(word))
}

fn aws(server: &Scripted) -> String {
    format!("aws = {{ region = \"us-east-1\", endpoint = \"{}\" }}", server.endpoint())
}

#[test]
fn sqs_takes_half_a_batch() {
    with_credentials("sinks::partial::sqs_takes_half_a_batch", async {
        let answer = json!({
            "Successful": [{ "Id": "0", "MessageId": "a", "MD5OfMessageBody": "b" }],
            "Failed": [
                { "Id": "1", "SenderFault": true, "Code": "InvalidMessageContents", "Message": "bad" },
                { "Id": "2", "SenderFault": false, "Code": "InternalError", "Message": "sorry" },
                { "Id": "99", "SenderFault": false, "Code": "InternalError", "Message": "never sent" },
            ],
        });
        let server = Scripted::start(move |_, _| (200, answer.to_string()));
        let queue = "https://sqs.us-east-1.amazonaws.com/123456789012/q";
        let sink = sink(&format!("kind = \"sqs\"\nname = \"q\"\nqueue = \"{queue}\"\n{}", aws(&server))).await;
        let receipts = sink.send(&deliveries(4)).await;
        assert_eq!(receipts[0], Receipt::Taken);
        assert!(refused(&receipts[1], "InvalidMessageContents: bad"), "{receipts:?}");
        assert!(again(&receipts[2], "InternalError: sorry"), "{receipts:?}");
        assert!(again(&receipts[3], "did not say"), "{receipts:?}");
    });
}

/// Answers as SNS does, and refuses every batch that has a poisoned message in it.
fn poisoned_sns(_: &str, body: &str) -> Answer {
    if body.contains("poison") {
        let error = "<Error><Type>Sender</Type><Code>InvalidParameter</Code><Message>Invalid parameter: Message</Message></Error>";
        return (400, format!("<ErrorResponse>{error}<RequestId>r</RequestId></ErrorResponse>"));
    }
    let ids = body.split('&').filter_map(|pair| pair.split_once(".Id=").map(|(_, id)| id));
    let taken: Vec<String> = ids.map(|id| format!("<member><Id>{id}</Id><MessageId>m</MessageId></member>")).collect();
    let taken = taken.concat();
    let result = format!("<PublishBatchResult><Failed/><Successful>{taken}</Successful></PublishBatchResult>");
    (
        200,
        format!(
            "<PublishBatchResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">{result}</PublishBatchResponse>"
        ),
    )
}

const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:alerts";

#[test]
fn one_message_that_sns_refuses_costs_no_other() {
    with_credentials("sinks::partial::one_message_that_sns_refuses_costs_no_other", async {
        let server = Scripted::start(poisoned_sns);
        let sink = sink(&format!("kind = \"sns\"\nname = \"t\"\ntopic = \"{TOPIC}\"\n{}", aws(&server))).await;
        let mut sent = deliveries(10);
        sent[6] = delivery("poison");
        let receipts = sink.send(&sent).await;
        for (place, receipt) in receipts.iter().enumerate() {
            assert_eq!(refused(receipt, "InvalidParameter"), place == 6, "{place}: {receipt:?}");
            assert_eq!(*receipt == Receipt::Taken, place != 6, "{place}: {receipt:?}");
        }
    });
}

#[test]
fn a_service_that_throttles_or_denies_is_asked_again_when_it_says() {
    with_credentials("sinks::partial::a_service_that_throttles_or_denies_is_asked_again_when_it_says", async {
        for (status, code, words) in [
            (429, "ThrottlingException", "takes no more at the moment"),
            (403, "AccessDeniedException", "no permission for `securityhub:BatchImportFindings`"),
            (403, "ExpiredTokenException", "the AWS credentials are not valid or have expired"),
            (500, "InternalException", "answered InternalException"),
        ] {
            let server = Scripted::start(move |_, _| (status, json!({ "__type": code, "message": "no" }).to_string()));
            let text = format!("kind = \"securityhub\"\nname = \"h\"\naccount = \"123456789012\"\n{}", aws(&server));
            let receipts = sink(&text).await.send(&deliveries(2)).await;
            for receipt in receipts {
                assert!(matches!(&receipt, Receipt::Again { after, .. } if *after == WAIT), "{receipt:?}");
                assert!(again(&receipt, words), "{receipt:?}");
            }
        }
    });
}

#[test]
fn security_hub_takes_part_of_a_batch_and_every_request_is_signed() {
    with_credentials("sinks::partial::security_hub_takes_part_of_a_batch_and_every_request_is_signed", async {
        let server = Scripted::start(|head, body| {
            let scope = "/us-east-1/securityhub/aws4_request";
            let signed = head.contains("authorization: AWS4-HMAC-SHA256 Credential=testing/") && head.contains(scope);
            assert!(head.starts_with("POST /findings/import HTTP/1.1") && signed, "{head}");
            let request: Value = serde_json::from_str(body).expect("JSON");
            let id = &request["Findings"][1]["Id"];
            let failed = json!([{ "Id": id, "ErrorCode": "InvalidInput", "ErrorMessage": "bad finding" }]);
            (200, json!({ "FailedCount": 1, "SuccessCount": 2, "FailedFindings": failed }).to_string())
        });
        let text = format!("kind = \"securityhub\"\nname = \"h\"\naccount = \"123456789012\"\n{}", aws(&server));
        let receipts = sink(&text).await.send(&deliveries(3)).await;
        assert!(refused(&receipts[1], "InvalidInput: bad finding"), "{receipts:?}");
        assert_eq!((&receipts[0], &receipts[2]), (&Receipt::Taken, &Receipt::Taken));
    });
}

#[test]
fn eventbridge_takes_half_a_batch() {
    with_credentials("sinks::partial::eventbridge_takes_half_a_batch", async {
        let entries = json!([{ "EventId": "a" }, { "ErrorCode": "ThrottlingException", "ErrorMessage": "slower" }]);
        let answer = json!({ "FailedEntryCount": 1, "Entries": entries }).to_string();
        let server = Scripted::start(move |_, _| (200, answer.clone()));
        let sink = sink(&format!("kind = \"eventbridge\"\nname = \"b\"\n{}", aws(&server))).await;
        let receipts = sink.send(&deliveries(2)).await;
        assert_eq!(receipts[0], Receipt::Taken);
        assert!(again(&receipts[1], "ThrottlingException: slower"), "{receipts:?}");
        assert_eq!(server.bodies().len(), 1);
    });
}

#[test]
fn what_nobody_understands_is_tried_again() {
    with_credentials("sinks::partial::what_nobody_understands_is_tried_again", async {
        for (status, body) in [(200, "<html>"), (302, ""), (500, "<html>oops</html>"), (400, "")] {
            let server = Scripted::start(move |_, _| (status, body.to_owned()));
            let aws = aws(&server);
            for text in [
                format!("kind = \"sns\"\nname = \"s\"\ntopic = \"{TOPIC}\"\n{aws}"),
                format!("kind = \"sqs\"\nname = \"s\"\nqueue = \"https://example.com/q\"\n{aws}"),
                format!("kind = \"eventbridge\"\nname = \"s\"\n{aws}"),
                format!("kind = \"securityhub\"\nname = \"s\"\naccount = \"123456789012\"\n{aws}"),
            ] {
                let receipts = sink(&text).await.send(&deliveries(2)).await;
                assert!(
                    receipts.iter().all(|receipt| matches!(receipt, Receipt::Again { .. })),
                    "{text} {status}: {receipts:?}"
                );
            }
        }
    });
}

#[test]
fn a_file_takes_findings_as_lines() {
    with_credentials("sinks::partial::a_file_takes_findings_as_lines", async {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("findings.ndjson");
        let sink = sink(&format!("kind = \"file\"\nname = \"f\"\npath = \"{}\"", path.display())).await;
        assert_taken(&sink.send(&deliveries(3)).await, 3);
        let text = std::fs::read_to_string(&path).expect("the file is there");
        assert_eq!(text.lines().filter(|line| serde_json::from_str::<Value>(line).is_ok()).count(), 3);
    });
}
