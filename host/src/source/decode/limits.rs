//! The bounds within which any input is decoded, hostile ones included.

/// What one input may cost.
///
/// Memory stays within a small multiple of `record_bytes` whatever the size of the input; the other limits bound time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeLimits {
    /// The longest record that is read, in bytes of JSON. CloudTrail's own limit is 256 KiB, and 1 MiB in event data
    /// stores.
    pub record_bytes: usize,
    /// How many bytes of what could not be read are kept to show.
    pub kept_bytes: usize,
    /// The most that one compressed input may unpack to, in bytes. Input that is not compressed has no such limit.
    pub unpacked_bytes: u64,
    /// The most that a compressed input may grow, as unpacked bytes for each packed byte.
    pub ratio: u64,
    /// How much is unpacked, in bytes, before `ratio` is looked at: a small input may well be one record many times.
    pub ratio_from: u64,
}

impl Default for DecodeLimits {
    /// Returns bounds that no genuine CloudTrail delivery meets: its files are at most 50 MB of text and shrink to a
    /// tenth.
    fn default() -> Self {
        Self {
            record_bytes: 8 << 20,
            kept_bytes: 64 << 10,
            unpacked_bytes: 4 << 30,
            // Deflate cannot do better than 1,032 to 1, so a higher bound would stop no gzip at all.
            ratio: 1000,
            ratio_from: 64 << 20,
        }
    }
}
