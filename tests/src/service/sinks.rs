//! What a sink gets first.

use std::time::Duration;

use serde_json::Value;

use super::{Place, beside};
use crate::live::eventually;
use crate::records;
use crate::servers::{Hook, Manner};

#[test]
fn a_critical_finding_overtakes_two_thousand_low_ones() {
    let place = Place::new();
    let hook = Hook::start(|_| Manner::after(Duration::from_millis(5)));
    let configuration = place.hook("hook", hook.url(), "retry = { concurrency = 1 }")
        + "[rule.\"cis.organizations-changes\"]\nseverity = \"low\"\n[rule.\"org.account-departed\"]\nseverity = \"critical\"\n";
    let low: Vec<Value> = (0..2_000).map(records::policy_attached).collect();
    place.bring("a.json", records::lines(&low));
    let live = place.start(&configuration);
    eventually("the flood has begun", || hook.taken().len() > 10);
    place.bring("b.json", records::lines(&[records::account_left(5_000)]));
    eventually("the critical finding is filed", || {
        !beside(&live.state(), &["findings", "list", "--severity", "critical"]).stdout.is_empty()
    });
    let before = hook.taken().len();
    assert!(before < 2_000, "the flood was over before anything could overtake it");
    let place_of_critical =
        || hook.taken().iter().position(|sent| sent.to_string().contains("AccountDepartedOrganization"));
    eventually("the critical finding comes", || place_of_critical().is_some());
    assert!(place_of_critical() <= Some(before + 3), "{:?} with {before} before it", place_of_critical());
}
