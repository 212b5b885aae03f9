//! Unpacks a small gzip input at once.
//!
//! CloudTrail's files are many and small, and a library that sees all of a file takes half the time of one that is fed piece by piece. What it
//! cannot do is to hand over what came before a fault, or more than one member. Then nothing is taken from it and the input is unpacked piece by
//! piece from its start, which says what is wrong with it and loses nothing of it.

use std::fmt;
use std::ptr::NonNull;

use libdeflate_sys::{
    libdeflate_alloc_decompressor, libdeflate_decompressor, libdeflate_free_decompressor,
    libdeflate_gzip_decompress_ex, libdeflate_result_LIBDEFLATE_SUCCESS as SUCCESS,
};

use super::codec::Packing;
use super::limits::DecodeLimits;

/// The largest input that is unpacked at once, in bytes as it is packed. All of it is held in memory.
pub(super) const MOST_PACKED: usize = 2 << 20;

/// The largest text that is unpacked at once, in bytes. Beyond it nothing is gained: the text no longer fits into the processor's cache.
const MOST_TEXT: usize = 8 << 20;

/// The most that deflate makes of a byte.
const DENSEST: usize = 1032;

/// The length of the smallest gzip member: header, one empty block, trailer.
const SMALLEST: usize = 20;

/// Unpacks gzip members that are whole.
pub(super) struct Inflate(NonNull<libdeflate_decompressor>);

// SAFETY: a decompressor is memory that belongs to no thread; only `&mut self` reaches it.
#[expect(
    unsafe_code,
    reason = "the library's own interface; its safe wrapper does not tell how much of the input was read"
)]
unsafe impl Send for Inflate {}

impl Inflate {
    /// Sets up the library; nothing where there is no memory for it.
    #[expect(unsafe_code, reason = "see above")]
    pub(super) fn new() -> Option<Self> {
        // SAFETY: it takes nothing and returns a new decompressor, or null.
        NonNull::new(unsafe { libdeflate_alloc_decompressor() }).map(Self)
    }

    /// Unpacks a single member that is all of `packed` and fills `text`. Returns false where it is not so, or its checksum is wrong.
    #[expect(unsafe_code, reason = "see above")]
    fn unpack(&mut self, packed: &[u8], text: &mut [u8]) -> bool {
        let (mut read, mut written) = (0, 0);
        // SAFETY: the decompressor is alive and used by nobody else, both slices are given with their lengths, and the library reads and writes
        // within them whatever the input holds.
        let result = unsafe {
            libdeflate_gzip_decompress_ex(
                self.0.as_ptr(),
                packed.as_ptr().cast(),
                packed.len(),
                text.as_mut_ptr().cast(),
                text.len(),
                &raw mut read,
                &raw mut written,
            )
        };
        result == SUCCESS && read == packed.len() && written == text.len()
    }
}

impl Drop for Inflate {
    #[expect(unsafe_code, reason = "see above")]
    fn drop(&mut self) {
        // SAFETY: it came from the library and is freed once.
        unsafe { libdeflate_free_decompressor(self.0.as_ptr()) };
    }
}

impl fmt::Debug for Inflate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Inflate")
    }
}

/// Unpacks an input into `text`, which grows as needed, and returns the length of the text; nothing where that is not to be done at once.
pub(super) fn unpack(
    packed: &[u8],
    text: &mut Vec<u8>,
    inflate: &mut Option<Inflate>,
    limits: &DecodeLimits,
) -> Option<usize> {
    let len = text_len(packed, limits)?;
    if inflate.is_none() {
        *inflate = Inflate::new();
    }
    if text.len() < len {
        text.resize(len, 0);
    }
    let text = &mut text[..len];
    // What was compressed twice has another compression to go through.
    (inflate.as_mut()?.unpack(packed, text) && Packing::of(text).is_none()).then_some(len)
}

/// Returns how long the text is by the input's own word, where that is within all bounds.
fn text_len(packed: &[u8], limits: &DecodeLimits) -> Option<usize> {
    if packed.len() < SMALLEST || packed.len() > MOST_PACKED || Packing::of(packed) != Some(Packing::Gzip) {
        return None;
    }
    let len = u32::from_le_bytes(*packed.last_chunk()?);
    let most = limits.unpacked_bytes.min(limits.ratio_from).min(MOST_TEXT as u64);
    let len = usize::try_from(len).ok().filter(|&len| len as u64 <= most)?;
    (len <= packed.len() * DENSEST).then_some(len)
}
