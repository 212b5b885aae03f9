//! Judges the fields of a pattern against a record.
//!
//! The fields form a tree that is walked along the record. An array adds nothing to a path, but two fields inside its objects have to
//! hold for the same element. Walking the tree gives that without a search: an element is tried with all the fields below it at
//! once, and what goes on in one array never bears on another beside it. Each field so meets each value of the record at most once.
//!
//! `exists: false` is judged within the array elements that the other fields have settled on, and within the whole array where no
//! other field settles on an element of it. EventBridge's own matcher does the same as long as the absent field's name comes later
//! in the alphabet than the settling one's; here the order of names is of no consequence. An empty array or object holds no
//! value, so a field that leads to one is absent.
//!
//! A name with a dot in the record stands for the path: `{"a.b": 1}` is `{"a": {"b": 1}}`. Where one object of the record has the same
//! path in both spellings, the fields below are judged each on its own, over both. Holding them to common elements there would
//! mean trying the elements of several arrays in every combination, for records that nothing but an attacker writes.

use std::sync::Arc;

use orgwatch_rules_sdk::json::{Kind, Node};

use super::demand::Demand;
use super::operator::{Leaf, Value};
use super::parse::Combination;

/// The fields that a pattern names in one object; all of them have to hold.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<Field>);

/// One name in a path of the pattern.
#[derive(Debug)]
struct Field {
    /// The path from the top to this field.
    path: Box<str>,
    /// Where this field's own name starts in the path.
    name_at: usize,
    /// What is asked of the field's own values.
    leaf: Option<Arc<Leaf>>,
    /// What is asked of the fields inside it.
    inner: Fields,
}

/// What a part of the record says to a part of the pattern.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// It does not match.
    Refused,
    /// It matches by absence alone: all the fields may be absent, and all of them are.
    Absent,
    /// It matches, and a value in it does so: this settles the array elements that lead there.
    Found,
}

impl Outcome {
    fn absent_if(allowed: bool) -> Self {
        if allowed { Self::Absent } else { Self::Refused }
    }

    /// Combines parts of the pattern that all have to hold.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Refused, _) | (_, Self::Refused) => Self::Refused,
            (Self::Found, _) | (_, Self::Found) => Self::Found,
            (Self::Absent, Self::Absent) => Self::Absent,
        }
    }
}

impl Fields {
    pub(super) fn new(combination: &Combination) -> Self {
        let mut top = Self::default();
        for (path, leaf) in combination {
            top.insert(path, 0, leaf);
        }
        top.cheapest_first();
        top
    }

    fn insert(&mut self, path: &str, name_at: usize, leaf: &Arc<Leaf>) {
        let name_end = path[name_at..].find('.').map_or(path.len(), |length| name_at + length);
        let known = self.0.iter().position(|field| *field.path == path[..name_end]);
        let index = known.unwrap_or_else(|| {
            self.0.push(Field { path: path[..name_end].into(), name_at, leaf: None, inner: Self::default() });
            self.0.len() - 1
        });
        let field = &mut self.0[index];
        if name_end == path.len() {
            field.leaf = Some(Arc::clone(leaf));
        } else {
            field.inner.insert(path, name_end + 1, leaf);
        }
    }

    /// Puts fields without fields inside them first: most records are refused by one of those, for the price of one look-up.
    fn cheapest_first(&mut self) {
        self.0.sort_by_key(|field| !field.inner.0.is_empty());
        for field in &mut self.0 {
            field.inner.cheapest_first();
        }
    }

    pub(super) fn match_record(&self, record: Node<'_>) -> bool {
        self.all(|field| field.match_in(record, field.name_at)) != Outcome::Refused
    }

    /// Returns the strings that a field without a dot in its name has to have one of, if it has to have one of some strings.
    pub(super) fn pinned(&self, name: &str) -> Option<Vec<&str>> {
        self.0.iter().find(|field| *field.path == *name)?.leaf.as_ref()?.texts()
    }

    /// Returns what a matching record has to hold, of all that it has to hold the most telling; nothing where all of it may be absent.
    pub(super) fn demand(&self) -> Option<Demand> {
        let (_, name, leaf) = self.demands().into_iter().min_by_key(|&(rank, ..)| rank)?;
        Some(Demand::new(name, leaf))
    }

    /// Returns the name and the leaf of each field that may not be absent, with a rank: low for what few records hold.
    fn demands(&self) -> Vec<(u8, &str, &Arc<Leaf>)> {
        let mut demands = Vec::new();
        for field in &self.0 {
            if let Some(leaf) = field.leaf.as_ref().filter(|leaf| !leaf.may_be_absent()) {
                let rank = match (&*field.path, leaf.texts()) {
                    ("eventName", Some(_)) => 0,
                    ("eventSource", Some(_)) => 1,
                    (_, Some(_)) => 2,
                    (_, None) => 3,
                };
                demands.push((rank, &field.path[field.name_at..], leaf));
            }
            demands.extend(field.inner.demands());
        }
        demands
    }

    /// Judges the fields one after the other and stops at the first that does not hold.
    fn all(&self, judge: impl Fn(&Field) -> Outcome) -> Outcome {
        let mut outcome = Outcome::Absent;
        for field in &self.0 {
            outcome = outcome.and(judge(field));
            if outcome == Outcome::Refused {
                break;
            }
        }
        outcome
    }

    fn absent(&self) -> Outcome {
        self.all(Field::absent)
    }

    /// Judges the fields against the value of the field that they are inside.
    fn match_within(&self, value: Node<'_>) -> Outcome {
        match value.kind() {
            Kind::Object => self.all(|field| field.match_in(value, field.name_at)),
            Kind::Array => self.match_element(value),
            _ => self.absent(),
        }
    }

    /// Looks for one element of an array for which all the fields hold, with a value of at least one of them in it.
    ///
    /// If there is none, the fields can still all be absent, and then from every element: what an element says is `Absent` only if
    /// it holds no value of any of the fields. An element that is itself an array recurses; the parser bounds how deep that goes.
    fn match_element(&self, array: Node<'_>) -> Outcome {
        let mut outcome = self.absent();
        for element in array.elements() {
            if !matches!(element.kind(), Kind::Object | Kind::Array) {
                continue;
            }
            match self.match_within(element) {
                Outcome::Found => return Outcome::Found,
                Outcome::Refused => outcome = Outcome::Refused,
                Outcome::Absent => {}
            }
        }
        outcome
    }
}

impl Field {
    /// Judges this field in an object in which the path is spelt from `start` on: from the field's own name, or from that of a field
    /// around it where the object's keys have dots.
    fn match_in(&self, object: Node<'_>, start: usize) -> Outcome {
        let value = object.get(&self.path[start..]);
        let dotted = self.inner.0.iter().any(|field| field.is_spelt_in(object, start));
        match (value, dotted) {
            (Some(value), false) => self.match_value(value),
            (None, false) => self.absent(),
            (None, true) => self.leaf_absent().and(self.inner.all(|field| field.match_in(object, start))),
            (Some(_), true) => self.each_on_its_own(object, start),
        }
    }

    /// Finds out whether an object has a key that spells the path from `start` to this field or beyond.
    fn is_spelt_in(&self, object: Node<'_>, start: usize) -> bool {
        object.get(&self.path[start..]).is_some() || self.inner.0.iter().any(|field| field.is_spelt_in(object, start))
    }

    fn match_value(&self, value: Node<'_>) -> Outcome {
        // A pattern that asks for values of a field and for fields inside it means an array of both, or the absence of one.
        let own = self.leaf.as_ref().map_or(Outcome::Absent, |leaf| judge(leaf, value, None));
        if own == Outcome::Refused || self.inner.0.is_empty() {
            return own;
        }
        own.and(self.inner.match_within(value))
    }

    fn absent(&self) -> Outcome {
        self.leaf_absent().and(self.inner.absent())
    }

    fn leaf_absent(&self) -> Outcome {
        Outcome::absent_if(self.leaf.as_ref().is_none_or(|leaf| leaf.may_be_absent()))
    }

    /// Judges this field and those inside it without regard to which array elements their values are in.
    fn each_on_its_own(&self, object: Node<'_>, start: usize) -> Outcome {
        let own = self.leaf.as_ref().map_or(Outcome::Absent, |leaf| judge(leaf, object, Some(&self.path[start..])));
        own.and(self.inner.all(|field| field.each_on_its_own(object, start)))
    }
}

/// Judges the values at a path, in all its spellings and in all elements of the arrays on the way, or those of the node itself.
fn judge(leaf: &Leaf, node: Node<'_>, path: Option<&str>) -> Outcome {
    match look(leaf, node, path) {
        Seen::Accepted => Outcome::Found,
        Seen::Others => Outcome::Refused,
        Seen::Nothing => Outcome::absent_if(leaf.may_be_absent()),
    }
}

/// What values there are at a path.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Seen {
    Nothing,
    Others,
    Accepted,
}

fn look(leaf: &Leaf, node: Node<'_>, path: Option<&str>) -> Seen {
    let mut seen = Seen::Nothing;
    match (node.kind(), path) {
        (Kind::Array, _) => {
            for element in node.elements() {
                seen = seen.max(look(leaf, element, path));
                if seen == Seen::Accepted {
                    break;
                }
            }
        }
        (Kind::Object, Some(path)) => {
            let dots = path.match_indices('.').map(|(at, _)| at);
            for name_end in dots.chain([path.len()]) {
                if let Some(value) = node.get(&path[..name_end]) {
                    seen = seen.max(look(leaf, value, path.get(name_end + 1..)));
                }
            }
        }
        (Kind::Object, None) | (_, Some(_)) => {}
        (_, None) => {
            if let Some(value) = Value::of(node) {
                seen = if leaf.accepts(&value) { Seen::Accepted } else { Seen::Others };
            }
        }
    }
    seen
}
