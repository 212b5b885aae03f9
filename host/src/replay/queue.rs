//! The inputs of a replay, handed to the workers one after another.

use std::sync::{Mutex, PoisonError};

use crate::source::files::{Input, InputError};

/// Hands out inputs in their order, each with its number. An input is looked for when a worker asks for it, so that the workers share that work,
/// too, and the inputs need not all be known.
pub struct Queue<'a> {
    state: Mutex<State<'a>>,
}

struct State<'a> {
    inputs: Option<Box<dyn Iterator<Item = Result<Input, InputError>> + Send + 'a>>,
    /// How many have been handed out.
    count: usize,
}

impl<'a> Queue<'a> {
    /// Takes inputs in their order. What is named and cannot be read stands in its place.
    pub fn new(inputs: impl Iterator<Item = Result<Input, InputError>> + Send + 'a) -> Self {
        Self { state: Mutex::new(State { inputs: Some(Box::new(inputs)), count: 0 }) }
    }

    /// Returns the next input with its number.
    pub(super) fn next(&self) -> Option<(usize, Result<Input, InputError>)> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let input = state.inputs.as_mut()?.next()?;
        let number = state.count;
        state.count += 1;
        Some((number, input))
    }

    /// Hands out no more.
    pub(super) fn close(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).inputs = None;
    }

    /// Returns how many inputs were handed out.
    pub(super) fn count(&self) -> usize {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).count
    }
}
