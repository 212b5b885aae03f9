//! Rule packs as a whole.

mod diff;
