//! Whether a value that a rule reads can be there at all.

use super::record::{self, Field};
use super::{Catalogue, Kind, Naming, Operation, Shape, nearest};

/// What the catalogue knows of a place in the records of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathStatus {
    /// Records can have a value there.
    Possible,
    /// No record has a value there.
    Impossible {
        /// The pointer that may have been meant.
        nearest: Option<String>,
    },
    /// It cannot be said: the service's shapes are not reliable, or it lies below keys of anybody's choice.
    Unknown,
}

use PathStatus::{Impossible, Possible, Unknown};

impl Catalogue {
    /// Tells whether records of an event can have a value at a JSON Pointer, such as `/requestParameters/policyId` or
    /// `/userIdentity/sessionContext/attributes/mfaAuthenticated`.
    pub fn path_status(&self, source: &str, name: &str, pointer: &str) -> PathStatus {
        let Some(tokens) = tokens(pointer) else { return Unknown };
        let [side, below @ ..] = tokens.as_slice() else { return Possible };
        if below.is_empty() || !["requestParameters", "responseElements"].contains(&side.as_str()) {
            return status_in_record(&tokens);
        }
        if self.is_beside_the_models(source, name, &tokens) {
            return Possible;
        }
        let mut all = Unknown;
        for (place, operation) in self.all_operations(source, name).enumerate() {
            match (status_of(&operation, side, below), &all) {
                (Possible, _) => return Possible,
                // Whoever knows nothing of one operation knows nothing of the event.
                (Unknown, _) => all = Unknown,
                (impossible @ Impossible { .. }, _) if place == 0 => all = impossible,
                (Impossible { .. }, _) => {}
            }
        }
        all
    }

    fn is_beside_the_models(&self, source: &str, name: &str, tokens: &[String]) -> bool {
        let plain = super::unversioned(name);
        let members = self.members.iter().filter(|members| {
            members.source == source && (members.names.is_empty() || members.names.iter().any(|known| known == plain))
        });
        members.flat_map(|members| &members.pointers).any(|pointer| {
            let known = pointer.split('/').skip(1);
            let count = known.clone().count();
            tokens.len() >= count && known.zip(tokens).all(|(known, token)| known == "*" || known == token)
        })
    }
}

/// Splits a pointer into its tokens; nothing for what is none.
fn tokens(pointer: &str) -> Option<Vec<String>> {
    if pointer.is_empty() {
        return Some(Vec::new());
    }
    let rest = pointer.strip_prefix('/')?;
    Some(rest.split('/').map(|token| token.replace("~1", "/").replace("~0", "~")).collect())
}

fn status_of(operation: &Operation<'_>, side: &str, tokens: &[String]) -> PathStatus {
    let shape = if side == "requestParameters" { operation.request() } else { operation.response() };
    // Services write something where the model has nothing, `_return` for one.
    let Some(top) = shape.filter(|shape| shape.members().next().is_some()) else { return Unknown };
    let mut at = top;
    let mut walked = format!("/{side}");
    for (place, token) in tokens.iter().enumerate() {
        match at.kind() {
            Kind::Structure => {
                let Some(member) = find(&at, token, operation.naming()) else {
                    let rest = &tokens[place + 1..];
                    return Impossible { nearest: suggest(&top, side, &at, &walked, token, rest) };
                };
                walked.push('/');
                walked += member.name;
                at = member.shape;
            }
            Kind::List => {
                let Some(items) = at.items() else { return Unknown };
                if !is_index(token) {
                    let meant = items.member(token).map(|member| format!("{walked}/0/{}", member.name));
                    return Impossible { nearest: meant };
                }
                walked.push('/');
                walked += token;
                at = items;
            }
            Kind::Boolean | Kind::Number => return Impossible { nearest: Some(walked) },
            // Texts hold documents now and then, and some records show them as what they mean.
            Kind::Map | Kind::Text | Kind::Timestamp | Kind::Blob | Kind::Document => return Unknown,
        }
    }
    Possible
}

fn find<'a>(shape: &Shape<'a>, name: &str, naming: Naming) -> Option<super::Member<'a>> {
    shape.member(name).or_else(|| {
        let any_case = naming == Naming::AnyCase;
        shape.members().find(|member| any_case && member.name.eq_ignore_ascii_case(name))
    })
}

/// Finds what may have been meant: a member of another letter case here, one of this name elsewhere, one that resembles it here.
fn suggest(top: &Shape<'_>, side: &str, at: &Shape<'_>, walked: &str, token: &str, rest: &[String]) -> Option<String> {
    let here = |name: &str| {
        let mut pointer = format!("{walked}/{name}");
        for token in rest {
            pointer.push('/');
            pointer += token;
        }
        pointer
    };
    if let Some(member) = at.members().find(|member| member.name.eq_ignore_ascii_case(token)) {
        return Some(here(member.name));
    }
    if let Some(pointer) = elsewhere(top, side, token) {
        return Some(pointer);
    }
    let names: Vec<&str> = at.members().map(|member| member.name).collect();
    nearest::nearest(token, names, 1).first().map(|name| format!("{walked}/{name}"))
}

/// Looks for a member of this name below, the least deep first, four levels down: shapes may hold themselves.
fn elsewhere(top: &Shape<'_>, side: &str, name: &str) -> Option<String> {
    let mut level = vec![(*top, format!("/{side}"))];
    for _ in 0..4 {
        let mut next = Vec::new();
        for (shape, walked) in level {
            if let Some(member) = shape.members().find(|member| member.name.eq_ignore_ascii_case(name)) {
                return Some(format!("{walked}/{}", member.name));
            }
            next.extend(shape.members().map(|member| (member.shape, format!("{walked}/{}", member.name))));
            if let (Kind::List, Some(items)) = (shape.kind(), shape.items()) {
                next.push((items, format!("{walked}/0")));
            }
        }
        level = next;
    }
    None
}

fn is_index(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit())
}

/// Judges a field of the record itself.
fn status_in_record(tokens: &[String]) -> PathStatus {
    let mut name = String::new();
    for (place, token) in tokens.iter().enumerate() {
        let above = name.clone();
        if !name.is_empty() {
            name.push('/');
        }
        name += if is_index(token) && record::field(&format!("{above}/*")).is_some() { "*" } else { token };
        match record::field(&name) {
            Some(Field::Known) => {}
            Some(Field::Free) if place + 1 == tokens.len() => {}
            Some(Field::Free) => return Unknown,
            None => return Impossible { nearest: suggest_in_record(&tokens[..place], &above, token) },
        }
    }
    Possible
}

fn suggest_in_record(walked: &[String], above: &str, token: &str) -> Option<String> {
    let near = nearest::nearest(token, record::members(above).filter(|member| *member != "*"), 1);
    let mut pointer = String::new();
    for token in walked {
        pointer.push('/');
        pointer += token;
    }
    Some(format!("{pointer}/{}", near.first()?))
}
