//! Takes a pattern apart for a reader: what each field asks for, what a record has there, and whether that holds.

use orgwatch_rules_sdk::json::{Document, Kind, Node};

use super::Pattern;

/// Values of one field that are shown; a list in a record may have thousands.
const SHOWN: usize = 5;

/// One part of a pattern, judged against a record by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// What a field asks for.
    Field {
        /// The field's path, as `userIdentity.type`.
        field: String,
        /// The alternatives, in JSON.
        wanted: String,
        /// What the record has there, in JSON: of a list several.
        found: Vec<String>,
        /// Whether one of the alternatives fits.
        holds: bool,
    },
    /// An `$or`: one of the branches has to hold whole.
    Any {
        /// The branches.
        branches: Vec<Vec<Part>>,
    },
}

impl Part {
    /// Tells whether the part holds by itself.
    pub fn holds(&self) -> bool {
        match self {
            Self::Field { holds, .. } => *holds,
            Self::Any { branches } => branches.iter().any(|branch| branch.iter().all(Self::holds)),
        }
    }
}

impl Pattern {
    /// Judges the parts of the pattern one by one. All of them may hold and the pattern not, where fields hold for different elements of a list.
    pub fn parts(&self, record: Node<'_>) -> Vec<Part> {
        let Ok(source) = Document::parse(self.source.as_bytes()) else { return Vec::new() };
        parts(source.root(), "", record)
    }
}

fn parts(object: Node<'_>, path: &str, record: Node<'_>) -> Vec<Part> {
    let mut parts = Vec::new();
    for (name, value) in object.members() {
        let field = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
        match value.kind() {
            Kind::Array if name == "$or" => {
                let branches = value.elements().map(|branch| self::parts(branch, path, record)).collect();
                parts.push(Part::Any { branches });
            }
            Kind::Object => parts.extend(self::parts(value, &field, record)),
            _ => {
                // The field alone is a pattern, too.
                let text = format!("{{{}:{}}}", serde_json::Value::from(field.as_str()), value.raw_text());
                let holds = Pattern::parse(&text).is_ok_and(|pattern| pattern.matches(record));
                let mut found = Vec::new();
                values(record, &field, &mut found);
                parts.push(Part::Field { field, wanted: value.raw_text().to_owned(), found, holds });
            }
        }
    }
    parts
}

/// Gathers what stands at a path with dots, in all elements of the lists on the way.
fn values(node: Node<'_>, path: &str, found: &mut Vec<String>) {
    if found.len() >= SHOWN {
        return;
    }
    if node.kind() == Kind::Array && !path.is_empty() {
        node.elements().for_each(|element| values(element, path, found));
    } else if path.is_empty() {
        found.push(node.canonical());
    } else if node.kind() == Kind::Object {
        let dots = path.match_indices('.').map(|(at, _)| at);
        for end in dots.chain([path.len()]) {
            if let Some(inner) = node.get(&path[..end]) {
                values(inner, path.get(end + 1..).unwrap_or_default(), found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(pattern: &str, record: &str) -> (bool, Vec<Part>) {
        let pattern = Pattern::parse(pattern).unwrap();
        let record = Document::parse(record).unwrap();
        (pattern.matches(record.root()), pattern.parts(record.root()))
    }

    fn field(field: &str, wanted: &str, found: &[&str], holds: bool) -> Part {
        let found = found.iter().map(ToString::to_string).collect();
        Part::Field { field: field.to_owned(), wanted: wanted.to_owned(), found, holds }
    }

    #[test]
    fn each_field_is_judged_by_itself() {
        let pattern = r#"{"eventName": ["A"], "userIdentity": {"type": ["Root"]}, "errorCode": [{"exists": false}]}"#;
        let (matches, parts) = told(pattern, r#"{"eventName": "A", "userIdentity": {"type": "IAMUser"}}"#);
        assert!(!matches);
        assert_eq!(
            parts,
            [
                field("errorCode", r#"[{"exists":false}]"#, &[], true),
                field("eventName", r#"["A"]"#, &[r#""A""#], true),
                field("userIdentity.type", r#"["Root"]"#, &[r#""IAMUser""#], false),
            ]
        );
    }

    #[test]
    fn one_branch_of_an_or_has_to_hold() {
        let pattern = r#"{"$or": [{"a": ["x"]}, {"b": ["y"], "c": ["z"]}]}"#;
        let (matches, parts) = told(pattern, r#"{"b": ["y", "n"], "c": "q"}"#);
        assert!(!matches && !parts[0].holds());
        let Part::Any { branches } = &parts[0] else { panic!("{parts:?}") };
        assert_eq!(branches[1][0], field("b", r#"["y"]"#, &[r#"["y","n"]"#], true));
        assert_eq!(branches[1][1], field("c", r#"["z"]"#, &[r#""q""#], false));
        assert!(told(pattern, r#"{"b": "y", "c": "z"}"#).1[0].holds());
    }

    #[test]
    fn values_in_lists_and_under_dotted_names_are_shown() {
        let (matches, parts) = told(r#"{"r": {"arn": ["c"]}}"#, r#"{"r": [{"arn": "a"}, {"arn": "b"}], "r.arn": "c"}"#);
        assert!(matches);
        assert_eq!(parts, [field("r.arn", r#"["c"]"#, &[r#""a""#, r#""b""#, r#""c""#], true)]);
    }
}
