//! Rule packs as they are shared: packed, signed, and trusted no further than intended.

mod archive;
mod attacks;
mod bounds;
mod care;
mod diff;
mod publisher;
mod registry;
mod reproducible;
mod sharing;
mod signature;
mod trust;
