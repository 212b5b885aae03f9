//! Rule packs as they are shared: packed, signed, and trusted no further than intended.

mod diff;
mod registry;
mod signature;
mod trust;
