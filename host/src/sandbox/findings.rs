//! What a rule returned, read with bounds: a text of some kilobytes can be a tree of many megabytes.

use std::collections::BTreeSet;
use std::fmt;

use orgwatch_rules_sdk::Finding;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::fault::{Fault, brief};
use super::limits::Limits;

/// Reads the findings of one evaluation, in the rule's order. Only a rule that looks back may have a finding wait or stand for a period.
pub(super) fn parse(texts: &[String], limits: &Limits, looks_back: bool) -> Result<Vec<Finding>, Fault> {
    if texts.len() > limits.findings {
        return Err(Fault::TooManyFindings { count: texts.len(), limit: limits.findings });
    }
    let mut findings = Vec::with_capacity(texts.len());
    let mut keys = BTreeSet::new();
    let mut values = 0;
    // Every value takes a character at least, so that most texts need not be read twice.
    let may_be_too_many = texts.iter().map(String::len).sum::<usize>() > limits.values;
    for text in texts {
        let not_a_finding = |error: serde_json::Error| Fault::NotAFinding { reason: brief(&error.to_string()) };
        if may_be_too_many {
            Count(&mut values).deserialize(&mut serde_json::Deserializer::from_str(text)).map_err(not_a_finding)?;
        }
        if values > limits.values {
            return Err(Fault::TooManyValues { limit: limits.values });
        }
        let finding: Finding = serde_json::from_str(text).map_err(not_a_finding)?;
        if !looks_back && (finding.waits() || finding.period().is_some()) {
            let reason = "`settled` and `period` are for rules with a `state_version`".to_owned();
            return Err(Fault::NotAFinding { reason });
        }
        if texts.len() > 1 && !keys.insert(finding.key().to_owned()) {
            return Err(Fault::RepeatedKey { key: brief(finding.key()) });
        }
        findings.push(finding);
    }
    Ok(findings)
}

/// Counts the values of a JSON text and keeps none.
struct Count<'a>(&'a mut usize);

impl<'de> DeserializeSeed<'de> for Count<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        *self.0 += 1;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Count<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while elements.next_element_seed(Count(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while members.next_key::<IgnoredAny>()?.is_some() {
            members.next_value_seed(Count(self.0))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(texts: &[&str], values: usize) -> Fault {
        let texts: Vec<String> = texts.iter().map(ToString::to_string).collect();
        parse(&texts, &Limits { values, findings: 2, ..Limits::default() }, false).unwrap_err()
    }

    #[test]
    fn values_are_counted_over_all_findings() {
        let texts = [r#"{"key":"a","details":{"x":[1,-1,1.5,null]}}"#, r#"{"key":"b","details":{"y":{"z":true}}}"#];
        // Each finding is a value with a key and details: 3 + 5 and 3 + 2.
        let limits = Limits { values: 13, ..Limits::default() };
        assert_eq!(parse(&texts.map(String::from), &limits, false).unwrap().len(), 2);
        assert_eq!(fault(&texts, 12), Fault::TooManyValues { limit: 12 });
    }

    #[test]
    fn what_is_no_list_of_findings_is_a_fault() {
        let unknown = format!(r#"{{"key":"a","{}":0}}"#, "x".repeat(5000));
        let Fault::NotAFinding { reason } = fault(&[&unknown], 100) else { panic!("an unknown field is taken") };
        assert!(reason.len() < 1100, "{} bytes", reason.len());
        for text in ["", "null", "[]", "{}", r#"{"key":1}"#, r#"{"key":"a"} x"#, &"[".repeat(1000)] {
            assert!(matches!(fault(&[text], 100), Fault::NotAFinding { .. }), "{text}");
        }
        for text in [r#"{"key":"a","settled":true}"#, r#"{"key":"a","period":60}"#] {
            assert!(matches!(fault(&[text], 100), Fault::NotAFinding { .. }), "{text}");
            assert_eq!(parse(&[text.to_owned()], &Limits::default(), true).unwrap().len(), 1);
        }
        let same = r#"{"key":"a"}"#;
        assert_eq!(fault(&[same, same], 100), Fault::RepeatedKey { key: "a".to_owned() });
        assert_eq!(fault(&[same, same, same], 100), Fault::TooManyFindings { count: 3, limit: 2 });
    }
}
