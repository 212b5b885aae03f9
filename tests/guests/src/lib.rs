//! What the SDK does not give a rule and a test guest does all the same. Natively there is nothing to do it with.

/// Logs an error, as often and as large as the guest likes.
#[cfg(target_family = "wasm")]
pub fn log(message: &str) {
    use orgwatch_rules_sdk::guest::bindings::orgwatch::rule::log::{Level, write};
    write(Level::Error, message);
}

/// Logs nothing: there is no host.
#[cfg(not(target_family = "wasm"))]
pub fn log(_: &str) {}

/// Reads the event without being given one.
#[cfg(target_family = "wasm")]
pub fn event_json(path: &str) -> Option<String> {
    orgwatch_rules_sdk::guest::bindings::orgwatch::rule::event::json(path)
}

/// Reads nothing: there is no host.
#[cfg(not(target_family = "wasm"))]
pub fn event_json(_: &str) -> Option<String> {
    None
}

/// Traps, without a panic and so without a word.
#[cfg(target_family = "wasm")]
pub fn trap() -> ! {
    core::arch::wasm32::unreachable()
}

/// Ends the process: there is no trap.
#[cfg(not(target_family = "wasm"))]
pub fn trap() -> ! {
    std::process::abort()
}
