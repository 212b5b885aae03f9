//! The same work on many things, by all processors.

use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Returns how many threads are of use: one a processor.
pub(crate) fn processors() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Does the work on each of some things, by so many threads at most, and returns what came of it in the order of the things.
///
/// # Panics
///
/// Panics where the work does.
pub(crate) fn map<T: Sync, R: Send>(things: &[T], threads: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(things.len()));
    thread::scope(|scope| {
        for _ in 0..threads.clamp(1, things.len().max(1)) {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(thing) = things.get(place) else { break };
                    let result = work(thing);
                    done.lock().expect("nobody panics with the lock").push((place, result));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("nobody panics with the lock");
    done.sort_by_key(|&(place, _)| place);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_things_whoever_does_the_work() {
        let things: Vec<usize> = (0..100).collect();
        for threads in [0, 1, 3, 1000] {
            assert_eq!(map(&things, threads, |thing| thing * 2), (0..200).step_by(2).collect::<Vec<_>>());
        }
        assert!(map(&things[..0], 4, |thing| *thing).is_empty());
    }
}
