//! Reads the fields of a pattern and multiplies out `$or`.
//!
//! Fields are kept under their path, the names joined with dots, so that `{"a": {"b": [..]}}` and `{"a.b": [..]}` are the same. What
//! is written last for a path counts, as it does in EventBridge, between a branch of `$or` and the fields around it too. Two fields
//! of exactly the same name in one object are a repeated JSON key, of which the last counts, whether it holds an array or an object.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use orgwatch_rules_sdk::json::{Document, Kind, Node};

use super::alternative::read_leaf;
use super::error::{PatternError, PatternErrorKind};
use super::matcher::Fields;
use super::operator::Leaf;

/// How long a pattern may be, in bytes. EventBridge allows 2,048 characters unless asked for more.
pub(super) const MAX_LENGTH: usize = 64 * 1024;

/// How many levels of fields a pattern may have. The matcher recurses once a level.
pub(super) const MAX_DEPTH: usize = 64;

/// How many combinations of `$or` branches a pattern may have; EventBridge's own limit.
pub(super) const MAX_COMBINATIONS: usize = 1000;

/// How many fields the combinations may have in all. A long pattern multiplied by a thousand would otherwise fill the memory.
pub(super) const MAX_EXPANDED_FIELDS: usize = 50_000;

/// Names that a branch's field cannot have: with them it is an operator that was written in the wrong place.
const OPERATOR_NAMES: [&str; 24] = [
    "prefix",
    "suffix",
    "equals-ignore-case",
    "wildcard",
    "numeric",
    "cidr",
    "exists",
    "anything-but",
    "exactly",
    "=",
    "<",
    "<=",
    ">",
    ">=",
    "regex",
    "not-wildcard",
    "not-equals-ignore-case",
    "date-after",
    "date-on-or-after",
    "date-before",
    "date-on-or-before",
    "in-date-range",
    "ip-address-in-range",
    "ip-address-not-in-range",
];

/// The fields of one combination of `$or` branches, each under its path.
pub(super) type Combination = BTreeMap<Arc<str>, Arc<Leaf>>;

/// Parses a pattern to its combinations and its text without white space.
pub(super) fn parse(text: &str) -> Result<(Vec<Fields>, Box<str>), PatternError> {
    if text.len() > MAX_LENGTH {
        return Err(PatternErrorKind::TooLong.at(""));
    }
    let document = Document::parse(text).map_err(|error| PatternErrorKind::NotJson(error).at(""))?;
    let root = document.root();
    if root.kind() != Kind::Object {
        return Err(PatternErrorKind::NotAnObject(root.kind().name()).at(""));
    }
    let combinations = add_object(vec![Combination::new()], root, &Place::default())?;
    let combinations = combinations.into_iter().map(|fields| Fields::new(&fields)).collect();
    Ok((combinations, compact(text)))
}

/// Drops the white space of a JSON text that is not inside its strings.
fn compact(text: &str) -> Box<str> {
    let mut in_string = false;
    let mut escaped = false;
    let keep = |character: &char| {
        let starts_or_ends_string = *character == '"' && !escaped;
        escaped = in_string && *character == '\\' && !escaped;
        in_string ^= starts_or_ends_string;
        in_string || !character.is_ascii_whitespace()
    };
    text.chars().filter(keep).collect::<String>().into_boxed_str()
}

/// Where in the pattern the parser is.
#[derive(Clone, Default)]
struct Place {
    /// The names of the fields around, joined with dots.
    path: String,
    /// How many names that are. An empty path is the top where it is 0, and a field with an empty name where it is 1.
    depth: usize,
    /// The same for a reader, with the branches of `$or` that the path leaves out.
    shown: String,
}

impl Place {
    fn field(&self, name: &str) -> Self {
        let dot = if self.depth == 0 { "" } else { "." };
        let shown_dot = if self.shown.is_empty() { "" } else { "." };
        Self {
            path: format!("{}{dot}{name}", self.path),
            depth: self.depth + name.split('.').count(),
            shown: format!("{}{shown_dot}{name}", self.shown),
        }
    }

    fn branch(&self, or: &Place, index: usize) -> Self {
        Self { shown: format!("{}[{index}]", or.shown), ..self.clone() }
    }

    fn error(&self, kind: PatternErrorKind) -> PatternError {
        kind.at(&self.shown)
    }
}

/// Adds an object's fields to every combination so far.
fn add_object(
    combinations: Vec<Combination>,
    object: Node<'_>,
    place: &Place,
) -> Result<Vec<Combination>, PatternError> {
    if object.is_empty() {
        return Err(place.error(PatternErrorKind::EmptyObject));
    }
    let mut combinations = combinations;
    for (name, value) in members_as_written(object) {
        let field = place.field(&name);
        if field.depth > MAX_DEPTH {
            return Err(place.error(PatternErrorKind::TooDeep));
        }
        combinations = match value.kind() {
            _ if name == "$or" => add_branches(&combinations, value, place, &field)?,
            Kind::Object => add_object(combinations, value, &field)?,
            Kind::Array => add_leaf(combinations, value, &field)?,
            scalar => return Err(field.error(PatternErrorKind::BareValue(scalar.name()))),
        };
    }
    Ok(combinations)
}

/// Adds a field to every combination, in place of what the path held before.
fn add_leaf(combinations: Vec<Combination>, array: Node<'_>, field: &Place) -> Result<Vec<Combination>, PatternError> {
    let leaf = Arc::new(read_leaf(array).map_err(|kind| field.error(kind))?);
    let path: Arc<str> = field.path.as_str().into();
    let mut combinations = combinations;
    for combination in &mut combinations {
        combination.insert(Arc::clone(&path), Arc::clone(&leaf));
    }
    bounded(combinations, field)
}

/// Multiplies the combinations by the branches of an `$or`.
fn add_branches(
    combinations: &[Combination],
    or: Node<'_>,
    place: &Place,
    shown: &Place,
) -> Result<Vec<Combination>, PatternError> {
    if or.kind() != Kind::Array {
        return Err(shown.error(PatternErrorKind::NotABranch(or.kind().name())));
    }
    if or.len() < 2 {
        return Err(shown.error(PatternErrorKind::TooFewBranches));
    }
    let mut product = Vec::new();
    for (index, branch) in or.elements().enumerate() {
        let branch_place = place.branch(shown, index);
        if branch.kind() != Kind::Object {
            return Err(branch_place.error(PatternErrorKind::NotABranch(branch.kind().name())));
        }
        for (name, _) in branch.members() {
            if OPERATOR_NAMES.contains(&&*name) {
                return Err(branch_place.error(PatternErrorKind::OperatorInBranch(name.into_owned())));
            }
        }
        product.extend(add_object(combinations.to_vec(), branch, &branch_place)?);
        // Checked after each branch, so that no more than one is built in vain.
        product = bounded(product, shown)?;
    }
    Ok(product)
}

fn bounded(combinations: Vec<Combination>, place: &Place) -> Result<Vec<Combination>, PatternError> {
    if combinations.len() > MAX_COMBINATIONS {
        return Err(place.error(PatternErrorKind::TooManyCombinations));
    }
    let fields: usize = combinations.iter().map(BTreeMap::len).sum();
    if fields > MAX_EXPANDED_FIELDS {
        return Err(place.error(PatternErrorKind::TooManyFields));
    }
    Ok(combinations)
}

/// Returns an object's members in the order of the text, in which the last writer of a path is the one that counts.
///
/// A node walks them sorted by name; all their texts are parts of one, and so their addresses are in its order.
fn members_as_written(object: Node<'_>) -> Vec<(Cow<'_, str>, Node<'_>)> {
    let mut members: Vec<_> = object.members().collect();
    members.sort_by_key(|(_, value)| value.raw_text().as_ptr());
    members
}
