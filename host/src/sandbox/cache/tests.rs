//! Nothing but what the cache has written comes out of it again.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

struct Kept {
    folder: TempDir,
    cache: Cache,
    key: Digest,
}

impl Kept {
    /// Makes a cache with one entry.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path()).unwrap();
        let kept = Self { folder, cache, key: Digest::of("one") };
        kept.cache.put(&kept.key, &preparation(b"machine code")).unwrap();
        assert!(kept.is_believed());
        kept
    }

    fn entry(&self) -> PathBuf {
        self.folder.path().join(file_name(&self.key))
    }

    fn is_believed(&self) -> bool {
        self.cache.get(&self.key).is_some_and(|preparation| preparation.code() == b"machine code")
    }

    /// Tells whether a process that starts now believes the entry.
    fn is_believed_later(&self) -> bool {
        Cache::open(self.folder.path()).unwrap().get(&self.key).is_some()
    }
}

fn preparation(code: &[u8]) -> Preparation {
    let answer = Answer {
        patterns: vec!["{\"eventName\":[\"X\"]}".to_owned()],
        keep: Some(60),
        frozen: true,
        description: "{}".to_owned(),
    };
    Preparation::new(answer, code.to_vec())
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_is_kept_is_found_again_also_by_the_next_process() {
    let kept = Kept::new();
    let found = Cache::open(kept.folder.path()).unwrap().get(&kept.key).unwrap();
    assert_eq!(found.code(), b"machine code");
    assert_eq!(found.patterns(), ["{\"eventName\":[\"X\"]}"]);
    assert_eq!((found.keep(), found.frozen()), (Some(60), true));
    assert!(kept.cache.get(&Digest::of("another")).is_none());
}

#[test]
fn an_entry_with_one_bit_changed_is_not_believed() {
    let kept = Kept::new();
    let content = fs::read(kept.entry()).unwrap();
    for place in 0..content.len() {
        let mut changed = content.clone();
        changed[place] ^= 1;
        fs::write(kept.entry(), changed).unwrap();
        assert!(!kept.is_believed(), "the bit at byte {place} counts for nothing");
    }
    for length in [0, 1, 31, 32, 36, content.len() - 1] {
        fs::write(kept.entry(), &content[..length]).unwrap();
        assert!(!kept.is_believed(), "{length} bytes are enough");
    }
    fs::write(kept.entry(), content).unwrap();
    assert!(kept.is_believed());
}

#[test]
fn an_entry_under_the_name_of_another_is_not_believed() {
    let kept = Kept::new();
    let other = Digest::of("another");
    fs::copy(kept.entry(), kept.folder.path().join(file_name(&other))).unwrap();
    assert!(kept.cache.get(&other).is_none());
}

#[test]
fn a_file_that_was_planted_is_not_believed() {
    let kept = Kept::new();
    // Another cache, of the same user and with the same program, has written it.
    let foreign = Kept::new();
    fs::copy(foreign.entry(), kept.entry()).unwrap();
    assert!(!kept.is_believed());
}

#[test]
fn an_entry_that_others_can_write_or_reach_otherwise_is_not_believed() {
    for mode in [0o620, 0o602, 0o666] {
        let kept = Kept::new();
        set_mode(&kept.entry(), mode);
        assert!(!kept.is_believed(), "mode {mode:o}");
        set_mode(&kept.entry(), 0o644);
        assert!(kept.is_believed());
    }
    let kept = Kept::new();
    let second = kept.folder.path().join("second name");
    fs::hard_link(kept.entry(), &second).unwrap();
    assert!(!kept.is_believed(), "a hard link");
    fs::remove_file(kept.entry()).unwrap();
    symlink(&second, kept.entry()).unwrap();
    assert!(!kept.is_believed(), "a symbolic link");
}

#[test]
fn a_pipe_in_the_place_of_an_entry_holds_nobody_up() {
    let kept = Kept::new();
    fs::remove_file(kept.entry()).unwrap();
    let folder = rustix::fs::open(kept.folder.path(), rustix::fs::OFlags::RDONLY, rustix::fs::Mode::empty()).unwrap();
    let (mode, name) = (rustix::fs::Mode::RUSR, file_name(&kept.key));
    rustix::fs::mknodat(folder, name, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    assert!(!kept.is_believed());
}

#[test]
fn a_cache_that_came_from_elsewhere_is_not_believed() {
    let kept = Kept::new();
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(kept.folder.path()).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    let cache = Cache::open(copy.path()).unwrap();
    assert!(cache.get(&kept.key).is_none());
    // It is a cache like any other from now on.
    cache.put(&kept.key, &preparation(b"machine code")).unwrap();
    assert!(cache.get(&kept.key).is_some());
}

#[test]
fn a_folder_that_is_put_in_the_place_of_the_cache_changes_nothing() {
    let kept = Kept::new();
    let moved = kept.folder.path().with_extension("moved");
    fs::rename(kept.folder.path(), &moved).unwrap();
    fs::create_dir(kept.folder.path()).unwrap();
    fs::write(kept.entry(), "planted").unwrap();
    assert!(kept.is_believed());
    fs::remove_dir_all(moved).unwrap();
}

#[test]
fn a_key_that_others_could_know_is_replaced() {
    for mode in [0o640, 0o604, 0o620] {
        let kept = Kept::new();
        let key = kept.folder.path().join(seal::NAME);
        set_mode(&key, mode);
        assert!(!kept.is_believed_later(), "mode {mode:o}");
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    }
    for content in [&b""[..], &[0; 31], &[0; 33]] {
        let kept = Kept::new();
        let key = kept.folder.path().join(seal::NAME);
        fs::write(&key, content).unwrap();
        assert!(!kept.is_believed_later());
        assert_eq!(fs::read(&key).unwrap().len(), seal::LENGTH);
    }
}

#[test]
fn a_folder_that_others_can_write_is_no_cache() {
    let folder = tempfile::tempdir().unwrap();
    for mode in [0o770, 0o707, 0o777] {
        set_mode(folder.path(), mode);
        assert_eq!(Cache::open(folder.path()).unwrap_err().kind(), io::ErrorKind::PermissionDenied, "{mode:o}");
    }
    for mode in [0o700, 0o755] {
        set_mode(folder.path(), mode);
        assert!(Cache::open(folder.path()).is_ok(), "{mode:o}");
    }
}

#[test]
fn what_was_not_used_for_longest_goes_first_and_the_key_never() {
    let listed = |name: &str, size, used| Listed { name: name.to_owned(), size, used };
    let files =
        || vec![listed("old", 40, 10), listed(seal::NAME, 32, 0), listed("new", 50, 30), listed("used", 50, 20)];
    let young = |_| Duration::ZERO;
    assert!(too_much(files(), 140, young).is_empty());
    assert_eq!(too_much(files(), 139, young), ["old"]);
    assert_eq!(too_much(files(), 60, young), ["used", "old"]);
    let unused = |used| if used < 15 { UNUSED + Duration::from_secs(1) } else { UNUSED };
    assert_eq!(too_much(files(), 140, unused), ["old"]);
}
