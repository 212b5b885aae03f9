//! The `cidr` operator: blocks of IP addresses.
//!
//! A block holds addresses of its own family only; an IPv4 address written as IPv6 (`::ffff:10.0.0.1`) is an IPv6 address. A block of
//! one address, `/32` or `/128`, is allowed: EventBridge's own matcher refuses it, which would only make people write a second form.

use std::net::IpAddr;

use super::error::PatternErrorKind;

/// A block of addresses: what the fixed bits are, and which bits are fixed.
#[derive(Debug)]
pub(super) enum Block {
    V4 { network: u32, mask: u32 },
    V6 { network: u128, mask: u128 },
}

impl Block {
    /// Reads `address/bits`. Bits of the address beyond the fixed ones are ignored.
    pub(super) fn parse(text: &str) -> Result<Self, PatternErrorKind> {
        Self::read(text).ok_or_else(|| PatternErrorKind::BadBlock(text.to_owned()))
    }

    fn read(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        // `u32::from_str` alone would also take a plus sign.
        if !bits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let bits: u32 = bits.parse().ok()?;
        match address.parse().ok()? {
            IpAddr::V4(address) => {
                let free_bits = u32::BITS.checked_sub(bits)?;
                let mask = u32::MAX.checked_shl(free_bits).unwrap_or(0);
                Some(Self::V4 { network: address.to_bits() & mask, mask })
            }
            IpAddr::V6(address) => {
                let free_bits = u128::BITS.checked_sub(bits)?;
                let mask = u128::MAX.checked_shl(free_bits).unwrap_or(0);
                Some(Self::V6 { network: address.to_bits() & mask, mask })
            }
        }
    }

    /// Judges a value. CloudTrail also writes service names such as `cloudtrail.amazonaws.com` where an address belongs; those
    /// are outside every block.
    pub(super) fn contains(&self, value: &str) -> bool {
        match (self, value.parse()) {
            (Self::V4 { network, mask }, Ok(IpAddr::V4(address))) => address.to_bits() & mask == *network,
            (Self::V6 { network, mask }, Ok(IpAddr::V6(address))) => address.to_bits() & mask == *network,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_holds_its_first_and_last_address_and_nothing_of_the_other_family() {
        for (block, value, inside) in [
            ("10.0.0.0/24", "10.0.0.0", true),
            ("10.0.0.77/24", "10.0.0.255", true),
            ("10.0.0.0/24", "10.0.1.0", false),
            ("10.0.0.0/24", "9.255.255.255", false),
            ("0.0.0.0/0", "255.255.255.255", true),
            ("0.0.0.0/0", "::1", false),
            ("10.0.0.1/32", "10.0.0.1", true),
            ("10.0.0.1/32", "10.0.0.2", false),
            ("10.0.0.0/8", "a00::1", false),
            ("10.0.0.0/8", "::ffff:10.0.0.1", false),
            ("::/0", "1.2.3.4", false),
            ("::/0", "FFFF::1", true),
            ("2001:db8::/32", "2001:0DB8:ffff:ffff:ffff:ffff:ffff:ffff", true),
            ("2001:db8::/32", "2001:db9::", false),
            ("2001:db8::1/128", "2001:db8:0:0::1", true),
            ("2001:db8::1/128", "2001:db8::2", false),
            ("10.0.0.0/8", "cloudtrail.amazonaws.com", false),
            ("10.0.0.0/8", "AWS Internal", false),
            ("10.0.0.0/8", "10.0.0.1/32", false),
            ("10.0.0.0/8", " 10.0.0.1", false),
            ("10.0.0.0/8", "", false),
        ] {
            assert_eq!(Block::parse(block).expect(block).contains(value), inside, "{block} {value}");
        }
    }

    #[test]
    fn what_is_no_block_is_refused() {
        for text in [
            "",
            "/",
            "10.0.0.0",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/-1",
            "10.0.0.0/+8",
            "10.0.0.0/8/8",
            "10.0.0.0/8.0",
            "10.0.0.0/x",
            "10.0.0/8",
            "10.0.0.256/8",
            "::/129",
            "example.com/8",
            "10.0.0.0/99999999999",
        ] {
            assert_eq!(Block::parse(text).expect_err(text), PatternErrorKind::BadBlock(text.to_owned()));
        }
    }
}
