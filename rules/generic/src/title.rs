//! The title of a finding, as the settings write it: text with placeholders.

use orgwatch_rules_sdk::{Event, Value};

/// A title with placeholders for fields of the record.
#[derive(Debug, PartialEq, Eq)]
pub struct Title(Vec<Segment>);

/// A piece of the title.
#[derive(Debug, PartialEq, Eq)]
enum Segment {
    Text(String),
    /// The JSON Pointer of a placeholder.
    Field(String),
}

/// What one value of a record may add to a title or a key, in characters: whoever makes a call may fill a field with 100 KB, and a finding
/// that is too large would be lost.
pub const LONGEST_TEXT: usize = 200;

impl Title {
    /// Parses a title: `{eventName}` and `{/userIdentity/arn}` are placeholders, `{{` and `}}` braces.
    ///
    /// # Errors
    ///
    /// Fails with what is wrong with a placeholder.
    pub fn parse(title: &str) -> Result<Self, String> {
        let mut segments = Vec::new();
        let mut text = String::new();
        let mut rest = title.trim();
        while let Some(brace) = rest.find(['{', '}']) {
            text.push_str(&rest[..brace]);
            let at = &rest[brace..];
            if let Some(after) = at.strip_prefix("{{") {
                text.push('{');
                rest = after;
            } else if let Some(after) = at.strip_prefix("}}") {
                text.push('}');
                rest = after;
            } else {
                let placeholder = at.strip_prefix('{').and_then(|inside| inside.split_once('}'));
                let (name, after) = placeholder.ok_or("a single brace: write {{ or }} for a brace of the text")?;
                if !text.is_empty() {
                    segments.push(Segment::Text(std::mem::take(&mut text)));
                }
                segments.push(Segment::Field(placeholder_pointer(name)?));
                rest = after;
            }
        }
        text.push_str(rest);
        if !text.is_empty() {
            segments.push(Segment::Text(text));
        }
        Ok(Self(segments))
    }

    /// Fills in the placeholders.
    pub fn of(&self, event: &Event) -> String {
        let mut title = String::new();
        for segment in &self.0 {
            match segment {
                Segment::Text(text) => title.push_str(text),
                Segment::Field(pointer) => title.push_str(&shown(event, pointer)),
            }
        }
        title
    }
}

/// Checks that a text is a JSON Pointer.
///
/// # Errors
///
/// Fails with what is wrong with it.
pub fn check_pointer(pointer: &str) -> Result<(), String> {
    let escapes = pointer.split('~').skip(1);
    if !pointer.starts_with('/') {
        return Err(format!("{pointer:?} is not a JSON Pointer: it has to begin with /, as in /userIdentity/arn"));
    }
    if escapes.into_iter().any(|rest| !rest.starts_with(['0', '1'])) {
        return Err(format!("{pointer:?} is not a JSON Pointer: ~ in a name is written ~0"));
    }
    Ok(())
}

/// Turns `eventName` into `/eventName` and leaves `/userIdentity/arn` as it is.
fn placeholder_pointer(name: &str) -> Result<String, String> {
    if name.starts_with('/') {
        check_pointer(name)?;
        return Ok(name.to_owned());
    }
    if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(format!("/{name}"));
    }
    let pointer = format!("/{}", name.trim_start_matches("$.").replace('.', "/"));
    Err(format!("{{{name}}} is neither a field at the top of the record nor a JSON Pointer such as {{{pointer}}}"))
}

/// Returns a value as it stands in a title or a key.
pub fn shown(event: &Event, pointer: &str) -> String {
    match event.read(pointer) {
        Value::String(text) | Value::Number(text) if text.chars().count() > LONGEST_TEXT => {
            text.chars().take(LONGEST_TEXT).chain(['…']).collect()
        }
        Value::String(text) | Value::Number(text) if !text.is_empty() => text,
        Value::Boolean(value) => value.to_string(),
        _ => "-".to_owned(),
    }
}
