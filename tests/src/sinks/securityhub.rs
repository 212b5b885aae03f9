//! The sink `securityhub` against moto.

use serde_json::{Value, json};

use super::stand_in::{Server, with_credentials};
use super::{assert_taken, deliveries, sink};

#[test]
fn security_hub_gets_findings_and_their_updates() {
    with_credentials("sinks::securityhub::security_hub_gets_findings_and_their_updates", async {
        let moto = Server::moto();
        moto.call("securityhub", "/accounts", "{}");
        let endpoint = moto.endpoint();
        let text = format!(
            "kind = \"securityhub\"\nname = \"h\"\naccount = \"123456789012\"\naws = {{ region = \"us-east-1\", endpoint = \"{endpoint}\" }}"
        );
        let sink = sink(&text).await;
        let mut sent = deliveries(30);
        assert_taken(&sink.send(&sent).await, 30);
        sent[0].revision = 2;
        sent[0].updated = "2026-11-01T11:00:00Z".parse().expect("a time");
        sent[0].finding.severity = "critical".parse().expect("a severity");
        assert_taken(&sink.send(&sent[..1]).await, 1);

        let found = moto.call("securityhub", "/findings", &json!({ "MaxResults": 100 }).to_string());
        let found: Value = serde_json::from_str(&found).expect("JSON");
        let found = found["Findings"].as_array().expect("findings");
        assert_eq!(found.len(), 30);
        let id = sent[0].finding.id.to_string();
        let updated = found.iter().find(|finding| finding["Id"].as_str().is_some_and(|found| found.contains(&id)));
        let updated = updated.expect("the finding is there");
        assert_eq!(updated["FindingProviderFields"]["Severity"]["Label"], "CRITICAL");
        assert_eq!(updated["AwsAccountId"], "123456789012");
        assert!(updated["Resources"].to_string().contains("111122223333"));
    });
}
