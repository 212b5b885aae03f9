//! The limit of the machine: inflate every file below some folders and look for one literal in it.
//!
//! No program that answers a question about each record can do with less, so this is what a replay is measured against. It uses all cores, checks
//! every file's checksum, and neither frames nor parses anything: it cannot even say how many records it has seen. `--inflate-only` leaves the
//! search out, which shows what the search costs. `host/benches/compare.py` runs both.
//!
//! Prints one line of JSON: files, bytes after inflating, hits, seconds.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use clap::Parser;
use libdeflater::Decompressor;
use memchr::memmem::Finder;

/// Inflates every .gz file below the given folders and counts a literal in what comes out.
#[derive(Parser)]
struct Arguments {
    /// Folders; one that is named twice is read twice.
    #[arg(required = true)]
    folders: Vec<PathBuf>,
    /// What is looked for.
    #[arg(long, default_value = r#""eventSource":"organizations.amazonaws.com""#)]
    literal: String,
    /// Inflates and looks for nothing.
    #[arg(long)]
    inflate_only: bool,
    /// How many threads share the work: as many as there are processors.
    #[arg(long)]
    threads: Option<NonZeroUsize>,
}

/// What came of a part of the work.
#[derive(Default)]
struct Totals {
    files: usize,
    bytes: usize,
    hits: usize,
}

/// What went wrong with one file or folder.
struct Failure {
    path: PathBuf,
    reason: String,
}

impl Failure {
    fn new(path: &Path, reason: &dyn Display) -> Self {
        Self { path: path.to_owned(), reason: reason.to_string() }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let started = Instant::now();
    match run(&arguments) {
        Ok(Totals { files, bytes, hits }) => {
            let hits = if arguments.inflate_only { "null".to_owned() } else { hits.to_string() };
            let seconds = started.elapsed().as_secs_f64();
            println!(r#"{{"files":{files},"bytes":{bytes},"hits":{hits},"seconds":{seconds:.4}}}"#);
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("error: {}: {}", failure.path.display(), failure.reason);
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<Totals, Failure> {
    let threads = match arguments.threads {
        Some(threads) => threads.get(),
        None => thread::available_parallelism().map_or(1, NonZeroUsize::get),
    };
    let finder = (!arguments.inflate_only).then(|| Finder::new(&arguments.literal));
    let files = files_below(&arguments.folders, threads)?;
    let parts = share(threads, &files, |taken| {
        let mut inflate = Inflate::new();
        let mut totals = Totals::default();
        for path in taken {
            let text = inflate.read(path)?;
            totals.files += 1;
            totals.bytes += text.len();
            totals.hits += finder.as_ref().map_or(0, |finder| finder.find_iter(text).count());
        }
        Ok(totals)
    })?;
    Ok(parts.into_iter().fold(Totals::default(), |sum, part| Totals {
        files: sum.files + part.files,
        bytes: sum.bytes + part.bytes,
        hits: sum.hits + part.hits,
    }))
}

/// Walks level by level, so that all threads take part in this, too.
fn files_below(folders: &[PathBuf], threads: usize) -> Result<Vec<PathBuf>, Failure> {
    let mut level = folders.to_vec();
    let mut files = Vec::new();
    while !level.is_empty() {
        let parts = share(threads, &level, |taken| {
            let (mut folders, mut files) = (Vec::new(), Vec::new());
            for folder in taken {
                list(folder, &mut folders, &mut files).map_err(|error| Failure::new(folder, &error))?;
            }
            Ok((folders, files))
        })?;
        level = Vec::new();
        for (below, found) in parts {
            level.extend(below);
            files.extend(found);
        }
    }
    Ok(files)
}

fn list(folder: &Path, folders: &mut Vec<PathBuf>, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            folders.push(entry.path());
        } else if entry.file_name().as_encoded_bytes().ends_with(b".gz") {
            files.push(entry.path());
        }
    }
    Ok(())
}

/// Has every thread do `work` on the items that it takes, one after the other, until none is left.
fn share<T: Sync, R: Send>(
    threads: usize,
    items: &[T],
    work: impl Fn(&mut dyn Iterator<Item = &T>) -> Result<R, Failure> + Sync,
) -> Result<Vec<R>, Failure> {
    let next = AtomicUsize::new(0);
    let one = || work(&mut std::iter::from_fn(|| items.get(next.fetch_add(1, Ordering::Relaxed))));
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(one)).collect();
        let mut parts = vec![one()];
        parts.extend(others.into_iter().map(|other| other.join().expect("a thread ends with a result")));
        parts.into_iter().collect()
    })
}

/// Inflates files into a buffer that is used again for each.
struct Inflate {
    decompressor: Decompressor,
    compressed: Vec<u8>,
    text: Vec<u8>,
}

impl Inflate {
    fn new() -> Self {
        Self { decompressor: Decompressor::new(), compressed: vec![0; 1 << 20], text: Vec::new() }
    }

    /// The text of a file of one gzip member, which is what CloudTrail writes.
    fn read(&mut self, path: &Path) -> Result<&[u8], Failure> {
        let length = self.load(path).map_err(|error| Failure::new(path, &error))?;
        let compressed = &self.compressed[..length];
        let Some(size) = compressed.last_chunk() else {
            return Err(Failure::new(path, &"not gzip"));
        };
        let size = u32::from_le_bytes(*size) as usize;
        if self.text.len() < size {
            self.text.resize(size, 0);
        }
        let inflated = self.decompressor.gzip_decompress(compressed, &mut self.text[..size]);
        match inflated.map_err(|error| Failure::new(path, &error))? {
            // A second member would have another size at its end than the first one has.
            length if length == size => Ok(&self.text[..size]),
            _ => Err(Failure::new(path, &"more than one gzip member")),
        }
    }

    /// Reads a file with one call where it fits: a call that does not fill the buffer has reached the end. Returns its length.
    fn load(&mut self, path: &Path) -> io::Result<usize> {
        let mut file = File::open(path)?;
        let mut length = 0;
        loop {
            length += file.read(&mut self.compressed[length..])?;
            if length < self.compressed.len() {
                return Ok(length);
            }
            self.compressed.resize(length * 2, 0);
        }
    }
}
