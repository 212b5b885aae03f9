//! Takes memory and never gives it back.

use std::hint::black_box;

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Takes memory and never gives it back.
    MemoryBomb,
    id: "guest.memory-bomb",
    title: "Swelled",
    severity: Informational,
    matches: everything,
}

struct MemoryBomb;

impl Rule for MemoryBomb {
    type Settings = NoSettings;

    fn load(_: NoSettings) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn evaluate(&self, _: &Event) -> Findings {
        let mut hoard = Vec::new();
        while black_box(hoard.len()) < usize::MAX {
            hoard.push(black_box(Vec::<u8>::with_capacity(1 << 20)));
        }
        Finding::new("after the bomb").detail("blocks", hoard.len()).into()
    }
}
