//! The allocator of a rule.
//!
//! An evaluation ends with its whole instance, so memory that it frees need not be found again. While a rule evaluates, small blocks are
//! handed out one after the other from an arena that `load` has left empty, and never taken back; everything else, and everything before,
//! goes to the standard allocator. What an evaluation writes then lies on few pages of memory, and it is those that the host has to
//! put back to their first state.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The arena's size in bytes. One evaluation that needs more gets the rest from the standard
/// allocator.
const ARENA: usize = 64 << 10;

/// Blocks beyond this size are left to the standard allocator, so that a few of them do not use up the arena.
const LARGEST: usize = 8 << 10;

/// The allocator. A component has one thread, and the atomics are there because a static needs some form of cell.
struct Allocator {
    start: AtomicUsize,
    next: AtomicUsize,
    end: AtomicUsize,
}

#[global_allocator]
static ALLOCATOR: Allocator =
    Allocator { start: AtomicUsize::new(0), next: AtomicUsize::new(0), end: AtomicUsize::new(0) };

/// Opens the arena. Called at the end of `load`: every evaluation starts with it empty.
#[expect(unsafe_code, reason = "the arena is memory that no value owns")]
pub(super) fn open_arena() {
    let layout = Layout::new::<[u8; ARENA]>();
    // SAFETY: the layout has a size.
    let start = unsafe { System.alloc(layout) } as usize;
    if start != 0 {
        ALLOCATOR.start.store(start, Relaxed);
        ALLOCATOR.next.store(start, Relaxed);
        ALLOCATOR.end.store(start + ARENA, Relaxed);
    }
}

impl Allocator {
    /// Takes a block from the arena; nothing where it is closed, the block too large, or no room left.
    fn take(&self, layout: Layout) -> Option<usize> {
        let block = self.next.load(Relaxed).next_multiple_of(layout.align());
        let next = block.checked_add(layout.size())?;
        if layout.size() > LARGEST || next > self.end.load(Relaxed) {
            return None;
        }
        self.next.store(next, Relaxed);
        Some(block)
    }

    fn owns(&self, block: *mut u8) -> bool {
        (self.start.load(Relaxed)..self.end.load(Relaxed)).contains(&(block as usize))
    }
}

// SAFETY: blocks of the arena lie inside it, are aligned and do not overlap, since `next` only grows; all others are the standard
// allocator's own, and go back to it alone.
#[expect(unsafe_code, reason = "an allocator hands out memory")]
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match self.take(layout) {
            Some(block) => ptr::with_exposed_provenance_mut(block),
            // SAFETY: the caller's promise is the same as the one asked for here.
            None => unsafe { System.alloc(layout) },
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if !self.owns(block) {
            // SAFETY: a block that is not the arena's came from there.
            unsafe { System.dealloc(block, layout) }
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !self.owns(block) {
            // SAFETY: a block that is not the arena's came from there.
            return unsafe { System.realloc(block, layout, size) };
        }
        // Whatever crosses to the host is cut to its length first.
        if size <= layout.size() {
            return block;
        }
        let last = block as usize + layout.size() == self.next.load(Relaxed);
        if last && size <= LARGEST && block as usize + size <= self.end.load(Relaxed) {
            self.next.store(block as usize + size, Relaxed);
            return block;
        }
        // SAFETY: the size is not zero and the alignment unchanged, as the caller promises.
        let grown = unsafe { self.alloc(Layout::from_size_align_unchecked(size, layout.align())) };
        if !grown.is_null() {
            // SAFETY: both blocks are at least this long, and a fresh block overlaps no other.
            unsafe { ptr::copy_nonoverlapping(block, grown, layout.size().min(size)) };
        }
        grown
    }
}
