//! Rule packs as they are handed on.

mod registry;
