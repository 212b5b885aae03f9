//! How a record is kept: as text compressed with zstd.
//!
//! Setting up the library takes many times as long as a record does, so each thread keeps what it has set up.

use std::cell::RefCell;
use std::io::{self, Read as _};
use std::sync::Arc;

use zstd::bulk::Compressor;
use zstd::stream::read::Decoder;
use zstd::zstd_safe::DCtx;

thread_local! {
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<DCtx<'static>>> = const { RefCell::new(None) };
}

/// The library's own choice between speed and size.
const LEVEL: i32 = 3;

/// Compresses a record.
pub(super) fn pack(record: &str) -> Arc<[u8]> {
    let packed = COMPRESSOR.with_borrow_mut(|compressor| {
        let compressor = match compressor {
            Some(compressor) => compressor,
            None => compressor.insert(Compressor::new(LEVEL)?),
        };
        compressor.compress(record.as_bytes())
    });
    packed.expect("zstd takes any bytes").into()
}

/// Reads a record that was compressed.
///
/// # Errors
///
/// Fails where it is damaged.
pub(super) fn unpack(packed: &[u8]) -> io::Result<String> {
    let mut record = String::new();
    DECOMPRESSOR.with_borrow_mut(|context| {
        let context = context.get_or_insert_with(DCtx::create);
        Decoder::with_context(packed, context).read_to_string(&mut record)
    })?;
    Ok(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_and_after_a_damaged_one_too() {
        let records = ["{}", "", &"é".repeat(300_000)];
        for record in records {
            let packed = pack(record);
            assert_eq!(unpack(&packed).unwrap(), record);
            assert!(unpack(&packed[..packed.len() - 1]).is_err());
            assert!(unpack(b"no zstd").is_err());
            assert_eq!(unpack(&packed).unwrap(), record);
        }
    }
}
