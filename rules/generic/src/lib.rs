//! What the generic rules are made of: which records are chosen, and what a finding is called.

pub mod choice;
pub mod title;
