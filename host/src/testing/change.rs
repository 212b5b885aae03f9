//! Changing a record: a value at a JSON Pointer set or taken away.

use serde_json::{Map, Value};

/// Why a record cannot be changed in this way.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// The path is not a JSON Pointer.
    #[error("`{0}` is not a JSON Pointer\nhint: write it as /requestParameters/name")]
    NotAPointer(String),
    /// The way to the place leads through something that has no members.
    #[error("`{path}` leads through `{through}`, which is neither an object nor a list with such an element")]
    NoWay {
        /// The pointer.
        path: String,
        /// How far it leads.
        through: String,
    },
    /// There is nothing to take away.
    #[error("there is nothing at `{0}` to remove")]
    Nothing(String),
}

/// Sets the value at a pointer; objects on the way are made, and a list may get one more element.
///
/// # Errors
///
/// Fails when the pointer is none, or leads through a string or a number.
pub fn set(record: &mut Value, path: &str, value: Value) -> Result<(), ChangeError> {
    let tokens = tokens(path)?;
    let mut at = record;
    let mut through = String::new();
    for token in &tokens {
        through = format!("{through}/{token}");
        if at.is_null() {
            *at = Value::Object(Map::new());
        }
        let no_way = || ChangeError::NoWay { path: path.to_owned(), through: through.clone() };
        at = match at {
            Value::Object(members) => members.entry(token.clone()).or_insert(Value::Null),
            Value::Array(elements) => {
                let index: usize = token.parse().map_err(|_| no_way())?;
                if index == elements.len() {
                    elements.push(Value::Null);
                }
                elements.get_mut(index).ok_or_else(no_way)?
            }
            _ => return Err(no_way()),
        };
    }
    *at = value;
    Ok(())
}

/// Takes away what stands at a pointer.
///
/// # Errors
///
/// Fails when the pointer is none, or leads nowhere.
pub fn remove(record: &mut Value, path: &str) -> Result<(), ChangeError> {
    let mut tokens = tokens(path)?;
    let nothing = || ChangeError::Nothing(path.to_owned());
    let last = tokens.pop().ok_or_else(nothing)?;
    let mut at = record;
    for token in &tokens {
        let inner = match at {
            Value::Object(members) => members.get_mut(token),
            Value::Array(elements) => token.parse().ok().and_then(|index: usize| elements.get_mut(index)),
            _ => None,
        };
        at = inner.ok_or_else(nothing)?;
    }
    let removed = match at {
        Value::Object(members) => members.remove(&last).is_some(),
        Value::Array(elements) => match last.parse() {
            Ok(index) if index < elements.len() => {
                elements.remove(index);
                true
            }
            _ => false,
        },
        _ => false,
    };
    if removed { Ok(()) } else { Err(nothing()) }
}

fn tokens(path: &str) -> Result<Vec<String>, ChangeError> {
    if path.is_empty() {
        return Ok(Vec::new());
    }
    let tokens = path.strip_prefix('/').ok_or_else(|| ChangeError::NotAPointer(path.to_owned()))?;
    Ok(tokens.split('/').map(|token| token.replace("~1", "/").replace("~0", "~")).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_set_and_the_objects_on_the_way_are_made() {
        let mut record = json!({ "a": { "b": [1] }, "c": null });
        set(&mut record, "/a/b/0", json!(2)).unwrap();
        set(&mut record, "/a/b/1", json!("x")).unwrap();
        set(&mut record, "/c/d~1e", json!(true)).unwrap();
        assert_eq!(record, json!({ "a": { "b": [2, "x"] }, "c": { "d/e": true } }));
        set(&mut record, "", json!({})).unwrap();
        assert_eq!(record, json!({}));
    }

    #[test]
    fn what_is_there_is_removed_and_nothing_else() {
        let mut record = json!({ "a": { "b": [1, 2] }, "c": null });
        remove(&mut record, "/a/b/0").unwrap();
        remove(&mut record, "/c").unwrap();
        assert_eq!(record, json!({ "a": { "b": [2] } }));
        for path in ["/c", "/a/b/1", "/a/b/x/y", ""] {
            assert_eq!(remove(&mut record, path), Err(ChangeError::Nothing(path.to_owned())));
        }
    }

    #[test]
    fn a_path_that_leads_nowhere_is_refused() {
        let mut record = json!({ "a": "text", "b": [1] });
        assert_eq!(set(&mut record, "a", json!(1)), Err(ChangeError::NotAPointer("a".to_owned())));
        for (path, through) in [("/a/b", "/a/b"), ("/b/2", "/b/2"), ("/b/x/y", "/b/x")] {
            let expected = ChangeError::NoWay { path: path.to_owned(), through: through.to_owned() };
            assert_eq!(set(&mut record, path, json!(1)), Err(expected));
        }
    }
}
