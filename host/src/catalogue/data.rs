//! The catalogue's two files as they are embedded: unpacked and read.
//!
//! `operations.json.zst` is a row of zstd frames: the index, then the shapes of one service each. The index is unpacked once; a service's
//! shapes when somebody asks for them.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Written by `host/catalogue/generate.py`.
const OPERATIONS: &[u8] = include_bytes!("../../catalogue/operations.json.zst");

/// Written by hand.
const BESIDE: &str = include_str!("../../catalogue/beside_the_models.toml");

/// The first frame.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Index<'a> {
    pub(super) date: String,
    pub(super) botocore: String,
    #[serde(borrow)]
    pub(super) services: Vec<Service<'a>>,
}

/// One service of the index.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Service<'a> {
    pub(super) name: &'a str,
    /// The `eventSource`s under which its events are recorded, the most usual first.
    #[serde(borrow)]
    pub(super) sources: Vec<&'a str>,
    pub(super) naming: Naming,
    /// Sorted.
    #[serde(borrow)]
    pub(super) operations: Vec<&'a str>,
    /// Where the frame with its shapes begins behind the index, and its length.
    #[serde(default)]
    pub(super) frame: Option<(usize, usize)>,
}

/// How far the names of a service's members can be relied upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Naming {
    /// As the catalogue has them, letter case and all.
    Exact,
    /// As the catalogue has them but for letter case.
    AnyCase,
    /// Not at all: the service writes its records in a way of its own, and the catalogue has no shapes of it.
    Unreliable,
}

/// The frame of one service.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shapes {
    /// The numbers of request and response, by operation.
    pub(super) operations: BTreeMap<String, (Option<usize>, Option<usize>)>,
    pub(super) shapes: Vec<RawShape>,
}

/// One shape; others are named by their place in the list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawShape {
    Structure {
        members: BTreeMap<String, usize>,
        required: Vec<String>,
    },
    List(usize),
    Map(usize),
    String,
    /// A string that is one of these.
    Values(Vec<String>),
    Boolean,
    Number,
    Timestamp,
    Blob,
    Document,
}

/// `beside_the_models.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Beside {
    pub(super) events: Vec<MoreEvents>,
    pub(super) open: Vec<OpenSources>,
    pub(super) members: Vec<MoreMembers>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MoreEvents {
    pub(super) source: String,
    pub(super) names: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OpenSources {
    pub(super) sources: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MoreMembers {
    pub(super) source: String,
    /// Of these events only; of all where there are none.
    #[serde(default)]
    pub(super) names: Vec<String>,
    pub(super) pointers: Vec<String>,
}

/// Reads the index, and returns it with the place where it ends.
pub(super) fn index() -> (Index<'static>, usize) {
    let end = frame_length(OPERATIONS);
    // The names are borrowed from the text for as long as the program runs: 20,000 of them, and no copy.
    let text: &'static [u8] = unpack(&OPERATIONS[..end]).leak();
    (serde_json::from_slice(text).expect("the embedded catalogue is well formed"), end)
}

/// Reads the shapes of a service.
pub(super) fn shapes((offset, length): (usize, usize), index_end: usize) -> Shapes {
    let from = index_end + offset;
    let text = unpack(&OPERATIONS[from..from + length]);
    serde_json::from_slice(&text).expect("the embedded catalogue is well formed")
}

/// Reads what is written by hand.
pub(super) fn beside() -> Beside {
    toml::from_str(BESIDE).expect("the embedded table is well formed")
}

fn unpack(frame: &[u8]) -> Vec<u8> {
    zstd::decode_all(frame).expect("the embedded catalogue can be unpacked")
}

fn frame_length(frames: &[u8]) -> usize {
    zstd::zstd_safe::find_frame_compressed_size(frames).expect("the embedded catalogue begins with a frame")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_is_well_formed_and_points_at_its_own_shapes() {
        let (index, end) = index();
        for service in &index.services {
            let Some(frame) = service.frame else {
                assert_eq!(service.naming, Naming::Unreliable, "{}", service.name);
                continue;
            };
            let shapes = shapes(frame, end);
            let count = shapes.shapes.len();
            assert!(shapes.operations.keys().eq(service.operations.iter()), "{}", service.name);
            for shape in &shapes.shapes {
                let known = match shape {
                    RawShape::Structure { members, required } => {
                        members.values().all(|&shape| shape < count)
                            && required.iter().all(|name| members.contains_key(name))
                    }
                    RawShape::List(shape) | RawShape::Map(shape) => *shape < count,
                    _ => true,
                };
                assert!(known, "{}: {shape:?}", service.name);
            }
            let ends = shapes.operations.values().flat_map(|&(request, response)| [request, response]).flatten();
            assert!(ends.into_iter().all(|shape| shape < count), "{}", service.name);
        }
    }
}
