//! What a rule wants noted, read with bounds.

use orgwatch_rules_sdk::Note;

use super::fault::{Fault, brief};
use super::limits::Limits;

/// Reads the notes that a rule made of one record.
pub(super) fn parse(texts: &[String], limits: &Limits) -> Result<Vec<Note>, Fault> {
    if texts.len() > limits.notes {
        return Err(Fault::TooManyNotes { count: texts.len(), limit: limits.notes });
    }
    let parse = |text: &String| {
        if text.len() > limits.note {
            let reason = format!("it has {} bytes, more than {}", text.len(), limits.note);
            return Err(Fault::NotANote { reason });
        }
        serde_json::from_str(text).map_err(|error| Fault::NotANote { reason: brief(&error.to_string()) })
    };
    texts.iter().map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_bounded_in_number_and_size() {
        let limits = Limits { notes: 2, note: 60, ..Limits::default() };
        let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        let sound = r#"{"series":"departures","key":"o-1","value":"444455556666"}"#;
        assert_eq!(parse(&texts(&[sound, r#"{"series":"","key":""}"#]), &limits).unwrap().len(), 2);
        assert_eq!(parse(&texts(&[sound; 3]), &limits), Err(Fault::TooManyNotes { count: 3, limit: 2 }));
        let long = format!(r#"{{"series":"s","key":"{}"}}"#, "k".repeat(60));
        for text in [long.as_str(), "", "{}", r#"{"series":"s","key":"k","more":1}"#, r#"{"series":1,"key":"k"}"#] {
            assert!(matches!(parse(&texts(&[text]), &limits), Err(Fault::NotANote { .. })), "{text}");
        }
    }
}
