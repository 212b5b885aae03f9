//! Rows by network: the smallest block that holds an address wins.
//!
//! An address is in blocks of its own family only. An IPv4 address that is written as IPv6 (`::ffff:10.0.0.1`) is an IPv6 address, as it is
//! to the pattern language: such an address is in no IPv4 network, so nobody passes for a known one by spelling theirs differently.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::IpAddr;

use super::Row;
use super::error::Fault;
use super::rows::{Keyed, Rows, twice};

/// Rows by network.
#[derive(Debug)]
pub(super) struct Networks {
    v4: Blocks,
    v6: Blocks,
}

/// The blocks of one family: by the number of free bits, fewest first, then by what the fixed ones are.
#[derive(Debug, Default)]
struct Blocks(BTreeMap<u32, BTreeMap<u128, Row>>);

/// A block of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Block {
    is_v6: bool,
    free_bits: u32,
    network: u128,
}

impl Networks {
    /// Takes rows whose keys are blocks of addresses. An address alone is a block of one.
    pub(super) fn new(rows: Rows) -> Result<Self, Fault> {
        let (column, rows) = rows.into_parts();
        let mut lines: BTreeMap<Block, u64> = BTreeMap::new();
        let mut networks = Self { v4: Blocks::default(), v6: Blocks::default() };
        for Keyed { line, key, row } in rows {
            let block = Block::parse(&key).map_err(|problem| Fault::at(line, problem).column(&column))?;
            match lines.entry(block) {
                Entry::Vacant(vacant) => vacant.insert(line),
                Entry::Occupied(first) => return Err(twice(&key, *first.get(), line, &column)),
            };
            let blocks = if block.is_v6 { &mut networks.v6 } else { &mut networks.v4 };
            blocks.0.entry(block.free_bits).or_default().insert(block.network, row);
        }
        Ok(networks)
    }

    /// Returns the row of the smallest block that holds an address.
    pub(super) fn row(&self, address: &str) -> Option<&Row> {
        match address.parse().ok()? {
            IpAddr::V4(address) => self.v4.row(address.to_bits().into()),
            IpAddr::V6(address) => self.v6.row(address.to_bits()),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.rows().count()
    }

    /// Returns all rows, in the order of their blocks.
    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        [&self.v4, &self.v6].into_iter().flat_map(|blocks| blocks.0.values().flat_map(BTreeMap::values))
    }
}

impl Blocks {
    fn row(&self, address: u128) -> Option<&Row> {
        self.0.iter().find_map(|(&free_bits, networks)| networks.get(&cut(address, free_bits)))
    }
}

impl Block {
    /// Reads `address/bits`, or an address alone.
    fn parse(text: &str) -> Result<Self, String> {
        let not_one = || format!("`{text}` is not a network\nhint: write 203.0.113.0/24, 2001:db8::/32 or one address");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let (is_v6, all_bits, address) = match address.parse().map_err(|_| not_one())? {
            IpAddr::V4(address) => (false, u32::BITS, u128::from(address.to_bits())),
            IpAddr::V6(address) => (true, u128::BITS, address.to_bits()),
        };
        let fixed_bits: u32 = match bits {
            // `u32::from_str` alone would also take a plus sign.
            Some(bits) if bits.bytes().all(|byte| byte.is_ascii_digit()) => bits.parse().map_err(|_| not_one())?,
            Some(_) => return Err(not_one()),
            None => all_bits,
        };
        let free_bits = all_bits.checked_sub(fixed_bits).ok_or_else(not_one)?;
        let network = cut(address, free_bits);
        if network != address {
            let begins = if is_v6 {
                IpAddr::V6(network.into()).to_string()
            } else {
                IpAddr::V4(u32::try_from(network).unwrap_or_default().into()).to_string()
            };
            return Err(format!(
                "`{text}` begins in the middle of a network\nhint: the network is {begins}/{fixed_bits}"
            ));
        }
        Ok(Self { is_v6, free_bits, network })
    }
}

/// Clears the lowest bits of an address.
fn cut(address: u128, bits: u32) -> u128 {
    address & u128::MAX.checked_shl(bits).unwrap_or(0)
}
