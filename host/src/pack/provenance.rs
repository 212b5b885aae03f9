//! Whose a pack is that is to be built. Cargo runs the build scripts and macros of a crate and of all its dependencies as programs of this
//! machine, with the rights of whoever builds: no sandbox of this program is around them.
//!
//! A pack that somebody has built and packed comes as components, and is no folder with a crate. It has nothing to build, so it never gets
//! here.

use std::path::Path;

use crate::scaffold::{Made, checkout};

/// Whose code runs when a pack is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// This project's: the pack lies in the checkout that the program was built in.
    Project,
    /// The user's own: `new` made its folder.
    Own,
    /// Somebody's.
    Foreign,
}

impl Provenance {
    /// Finds out whose the pack in a folder is, by where it really lies.
    pub fn of(folder: &Path, program: &Path, made: Option<&Made>) -> Self {
        let Ok(folder) = folder.canonicalize() else {
            return Self::Foreign;
        };
        if checkout(program).is_some_and(|checkout| folder.starts_with(checkout)) {
            Self::Project
        } else if made.is_some_and(|made| made.knows(&folder)) {
            Self::Own
        } else {
            Self::Foreign
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_pack_is_judged_by_where_it_really_lies() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in ["checkout/rules-sdk", "checkout/target/debug", "checkout/rules/a", "own", "foreign"] {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        fs::write(root.join("checkout/rules-sdk/Cargo.toml"), "").unwrap();
        let program = root.join("checkout/target/debug/program");
        fs::write(&program, "").unwrap();
        std::os::unix::fs::symlink(root.join("foreign"), root.join("checkout/rules/link")).unwrap();
        let made = Made::of(&root.join("state"));
        made.remember(&root.join("own")).unwrap();
        for (pack, expected) in [
            ("checkout/rules/a", Provenance::Project),
            ("own", Provenance::Own),
            ("foreign", Provenance::Foreign),
            ("checkout/rules/link", Provenance::Foreign),
            ("missing", Provenance::Foreign),
        ] {
            assert_eq!(Provenance::of(&root.join(pack), &program, Some(&made)), expected, "{pack}");
        }
        assert_eq!(Provenance::of(&root.join("own"), &program, None), Provenance::Foreign);
    }
}
