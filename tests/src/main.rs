//! The whole program from outside: one binary, a module for each thing that is protected.

mod authoring;
mod catalogue;
mod check;
mod cis;
mod cli;
mod contract;
mod crash;
mod forms;
mod live;
mod packs;
mod python;
mod records;
mod replay;
mod rules;
mod sandbox;
mod scaffold;
mod servers;
mod service;
mod sinks;
mod sources;
mod state;
mod support;
