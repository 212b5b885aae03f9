//! Operations, and the shapes of their parameters and answers.

use super::Catalogue;
use super::data::{Naming, RawShape};

/// An operation of a service.
#[derive(Clone, Copy, Debug)]
pub struct Operation<'a> {
    pub(super) catalogue: &'a Catalogue,
    /// The place of its service.
    pub(super) place: usize,
    pub(super) name: &'a str,
}

/// What a value of a record can be: a shape of the service's model, with names as CloudTrail writes them.
#[derive(Clone, Copy, Debug)]
pub struct Shape<'a> {
    all: &'a [RawShape],
    number: usize,
}

/// The kind of a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An object with known members.
    Structure,
    /// An array.
    List,
    /// An object with keys of anybody's choice.
    Map,
    /// A text.
    Text,
    /// True or false.
    Boolean,
    /// A number.
    Number,
    /// An instant, in one of several forms.
    Timestamp,
    /// Bytes, which CloudTrail mostly leaves out.
    Blob,
    /// Anything.
    Document,
}

/// A member of a structure.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// Its name, as CloudTrail writes it.
    pub name: &'a str,
    /// Whether a call without it is refused.
    pub required: bool,
    /// What it holds.
    pub shape: Shape<'a>,
}

impl<'a> Operation<'a> {
    /// Returns the service, as botocore calls it.
    pub fn service(&self) -> &'a str {
        self.catalogue.services[self.place].name
    }

    /// Returns the name, without the version that some services add to it in CloudTrail.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// Tells how far the names of members can be relied upon.
    pub fn naming(&self) -> Naming {
        self.catalogue.services[self.place].naming
    }

    /// Returns the shape of `requestParameters`; nothing where the catalogue has none, or the operation takes none.
    pub fn request(&self) -> Option<Shape<'a>> {
        let shapes = self.catalogue.shapes_of(self.place)?;
        Some(Shape { all: &shapes.shapes, number: shapes.operations.get(self.name)?.0? })
    }

    /// Returns the shape of `responseElements`, which are `null` for operations that only read.
    pub fn response(&self) -> Option<Shape<'a>> {
        let shapes = self.catalogue.shapes_of(self.place)?;
        Some(Shape { all: &shapes.shapes, number: shapes.operations.get(self.name)?.1? })
    }
}

impl<'a> Shape<'a> {
    fn raw(&self) -> &'a RawShape {
        &self.all[self.number]
    }

    fn at(&self, number: usize) -> Self {
        Self { all: self.all, number }
    }

    /// Returns the kind.
    pub fn kind(&self) -> Kind {
        match self.raw() {
            RawShape::Structure { .. } => Kind::Structure,
            RawShape::List(_) => Kind::List,
            RawShape::Map(_) => Kind::Map,
            RawShape::String | RawShape::Values(_) => Kind::Text,
            RawShape::Boolean => Kind::Boolean,
            RawShape::Number => Kind::Number,
            RawShape::Timestamp => Kind::Timestamp,
            RawShape::Blob => Kind::Blob,
            RawShape::Document => Kind::Document,
        }
    }

    /// Walks the members of a structure, by name; there are none of anything else.
    pub fn members(&self) -> impl Iterator<Item = Member<'a>> + use<'a> {
        let this = *self;
        let structure = match self.raw() {
            RawShape::Structure { members, required } => Some((members, required)),
            _ => None,
        };
        structure.into_iter().flat_map(move |(members, required)| {
            members.iter().map(move |(name, &number)| Member {
                name,
                required: required.contains(name),
                shape: this.at(number),
            })
        })
    }

    /// Returns the member of a structure with this name.
    pub fn member(&self, name: &str) -> Option<Member<'a>> {
        match self.raw() {
            RawShape::Structure { members, required } => {
                let (name, &number) = members.get_key_value(name)?;
                Some(Member { name, required: required.contains(name), shape: self.at(number) })
            }
            _ => None,
        }
    }

    /// Returns what a list's items or a map's values are.
    pub fn items(&self) -> Option<Self> {
        match self.raw() {
            RawShape::List(number) | RawShape::Map(number) => Some(self.at(*number)),
            _ => None,
        }
    }

    /// Returns the values that a text is limited to, where there are few enough to know them; else none.
    pub fn values(&self) -> &'a [String] {
        match self.raw() {
            RawShape::Values(values) => values,
            _ => &[],
        }
    }
}
