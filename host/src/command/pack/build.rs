//! `pack build`: one file of a pack's folder.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::command::run::{count, digits};
use crate::command::{Failure, build, compiler, print};
use crate::escape;
use crate::exit::Exit;
use crate::pack::Pack;
use crate::pack::packed::{Layout, Packer, PackerError, is_pack, write_file};
use crate::parallel::processors;
use crate::sandbox::Limits;

#[derive(Debug, Args)]
pub(in crate::command) struct BuildArgs {
    /// The pack's folder. Its rules are built first where their source is there, which needs cargo
    dir: PathBuf,
    /// The file to write [default: NAME-VERSION.tar]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write the folder of an OCI image layout instead of a file
    #[arg(long, requires = "out")]
    layout: bool,
    /// Where compiled rules are kept [default: ~/.cache/orgwatch]
    #[arg(long, value_name = "DIR", env = "ORGWATCH_CACHE_DIR")]
    cache_dir: Option<PathBuf>,
}

pub(super) fn run(arguments: &BuildArgs) -> Result<Exit, Failure> {
    let limits = Limits::default();
    let compiler = compiler(arguments.cache_dir.as_deref(), &limits)?;
    if !Pack::is_at(&arguments.dir) {
        let folder = escape::path(&arguments.dir);
        return Err(Failure::usage(format!("`{folder}` is no pack\nhint: a pack is a folder with pack.toml")));
    }
    let pack = Pack::open(&arguments.dir).map_err(Failure::rules)?;
    if let Some(out) = arguments.out.as_deref().filter(|_| arguments.layout) {
        check_replaceable(out)?;
    }
    if pack.has_source() {
        build::build(std::slice::from_ref(&pack), &compiler, &limits)?;
    }
    let packed = Packer::new(&compiler, &limits, processors()).pack(&pack).map_err(|error| match error {
        error @ PackerError::CaseFails { .. } => Failure { exit: Exit::Failed, error: error.into() },
        error @ (PackerError::State(_) | PackerError::Engine(_) | PackerError::Read { .. }) => {
            Failure::input_output(error)
        }
        error => Failure::rules(error),
    })?;
    let manifest = packed.manifest();
    let out = arguments.out.clone();
    let out = out.unwrap_or_else(|| PathBuf::from(format!("{}-{}.tar", manifest.id.name(), manifest.version)));
    let size = if arguments.layout {
        packed.layout().write_folder(&out).map_err(Failure::input_output)?;
        packed.layout().blobs().map(|(_, blob)| blob.len() as u64).sum()
    } else {
        let tar = packed.layout().to_tar();
        write_file(&out, &tar).map_err(Failure::input_output)?;
        tar.len() as u64
    };
    let rules = count(packed.contents().rules.len() as u64, "rule");
    let files = count(packed.files().iter().count() as u64, "file");
    print(format!(
        "packed {} into {}\n{rules}, {files}, {} bytes\n{}\n",
        manifest.reference(),
        escape::path(&out),
        digits(size),
        packed.digest().tagged()
    ))
}

/// Checks that a folder holds nothing but a pack that may be written anew: whatever else is there would be gone.
fn check_replaceable(folder: &Path) -> Result<(), Failure> {
    let is_empty = std::fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
    let is_pack = || Layout::read(folder).is_ok_and(|layout| layout.pack().is_ok_and(|(_, pack)| is_pack(&pack)));
    if is_empty || is_pack() {
        return Ok(());
    }
    let folder = escape::path(folder);
    Err(Failure::usage(format!(
        "`{folder}` holds something else than a pack\nhint: name a folder that is empty or not there"
    )))
}
