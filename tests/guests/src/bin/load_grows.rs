//! Takes memory without end while it is loaded.

use std::hint::black_box;

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Takes memory without end while it is loaded.
    LoadGrows,
    id: "guest.load-grows",
    title: "Swelled while loading",
    severity: Informational,
    matches: everything,
}

struct LoadGrows;

impl Rule for LoadGrows {
    type Settings = NoSettings;

    fn load(_: NoSettings) -> Result<Self, Refusal> {
        let mut hoard = Vec::new();
        while black_box(hoard.len()) < usize::MAX {
            hoard.push(black_box(Vec::<u8>::with_capacity(1 << 20)));
        }
        Ok(Self)
    }

    fn evaluate(&self, _: &Event) -> Findings {
        Findings::none()
    }
}
