//! Counts its own calls in a static: a fresh sandbox sees 1 every time.

use std::sync::atomic::{AtomicU32, Ordering};

use orgwatch_rules_sdk::prelude::*;

static CALLS: AtomicU32 = AtomicU32::new(0);

rule! {
    /// Counts its own calls.
    CountCalls,
    id: "guest.count-calls",
    title: "Called",
    severity: Informational,
    matches: everything,
}

struct CountCalls;

impl Rule for CountCalls {
    type Settings = NoSettings;

    fn load(_: NoSettings) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn evaluate(&self, _: &Event) -> Findings {
        let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
        Finding::new("call").detail("calls", calls).into()
    }
}
