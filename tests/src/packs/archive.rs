//! Packed files that somebody tampered with: each is refused, and for its own reason.

use std::collections::BTreeMap;

use orgwatch_host::digest::Digest;
use orgwatch_host::pack::form::FormVersion;
use orgwatch_host::pack::packed::oci::{self, Descriptor};
use orgwatch_host::pack::packed::{Contents, Layout, LayoutError, MOST_BLOBS, Packed, PackedError, TableContents};
use orgwatch_host::sandbox::{ComponentFault, Limits};
use tar::{Builder, EntryType, Header};

use super::publisher::{Publisher, TRAIL_STOPPED, packed};

/// A sound pack.
fn sound() -> Packed {
    packed("acme/watch", "1.2.3", &[TRAIL_STOPPED])
}

fn open(tar: &[u8]) -> Result<Packed, PackedError> {
    Packed::open(Layout::parse(tar)?, &Limits::default())
}

fn refused(tar: &[u8]) -> PackedError {
    open(tar).expect_err("it was tampered with")
}

/// An entry of a tar, written without any check of what it is called.
fn entry(tar: &mut Builder<Vec<u8>>, name: &str, kind: EntryType, link: &str, content: &[u8]) {
    let mut header = Header::new_ustar();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(content.len() as u64);
    header.set_cksum();
    tar.append(&header, content).expect("memory can be written to");
}

/// A sound pack's file with an entry more.
fn with_entry(name: &str, kind: EntryType, link: &str, content: &[u8]) -> Vec<u8> {
    let sound = sound().layout().to_tar();
    // Without the two empty blocks at its end.
    let mut tar = Builder::new(sound[..sound.len() - 1024].to_vec());
    entry(&mut tar, name, kind, link, content);
    tar.into_inner().expect("memory can be written to")
}

/// A layout with other documents: what the pack says of itself, its files, its manifest. Every digest is made anew, as an attacker would.
fn rebuilt(change: impl FnOnce(&mut Parts)) -> Vec<u8> {
    let packed = sound();
    let (_, manifest) = packed.layout().pack().expect("it is a pack");
    let blob = |descriptor: &Descriptor| packed.layout().blob(descriptor).expect("it is there").to_vec();
    let mut parts = Parts {
        contents: serde_json::from_slice(&blob(&manifest.layers[0])).expect("they are JSON"),
        layers: manifest.layers.iter().map(|layer| (layer.clone(), blob(layer))).collect(),
        config: blob(&manifest.config),
        annotations: manifest.annotations.clone(),
    };
    change(&mut parts);
    parts.layers[0].1 = serde_json::to_vec(&parts.contents).expect("they are plain data");
    let mut layout = Layout::default();
    let mut layers = Vec::new();
    for (descriptor, bytes) in parts.layers {
        layers.push(Descriptor { digest: Digest::of(&bytes), size: bytes.len() as u64, ..descriptor });
        layout.add_blob(bytes).expect("there is room");
    }
    let config = Descriptor::of(oci::WASM_CONFIG, &parts.config);
    layout.add_blob(parts.config).expect("there is room");
    let manifest = oci::Manifest { config, layers, annotations: parts.annotations, ..manifest };
    layout.add_manifest(&manifest.to_bytes(), Some(oci::PACK), "1.2.3").expect("there is room");
    layout.to_tar()
}

struct Parts {
    contents: Contents,
    layers: Vec<(Descriptor, Vec<u8>)>,
    config: Vec<u8>,
    annotations: BTreeMap<String, String>,
}

#[test]
fn the_same_pack_is_the_same_bytes_and_opens() {
    let (one, other) = (sound(), sound());
    assert_eq!(one.layout().to_tar(), other.layout().to_tar());
    let tar = one.layout().to_tar();
    let opened = open(&tar).unwrap();
    assert_eq!((opened.digest(), opened.contents()), (one.digest(), one.contents()));
    assert_eq!(opened.layout().to_tar(), tar);
    assert!(open(&rebuilt(|_| {})).is_ok(), "rebuilding alone is no attack");
}

#[test]
fn one_flipped_bit_anywhere_is_refused_or_leaves_the_file_unsigned() {
    let publisher = Publisher::new();
    let file = sound().layout().to_tar();
    let signatures = publisher.beside(&file);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pack.tar");
    std::fs::write(folder.path().join("pack.tar.sig"), signatures).unwrap();
    let signed = |file: &[u8]| {
        std::fs::write(&path, file).unwrap();
        Packed::read(&path, &Limits::default()).is_ok_and(|packed| packed.is_signed_by(&publisher.key.public()))
    };
    assert!(signed(&file), "it is as it was signed");
    // Every part of the file is hit: with a step that is no divisor of a block, headers, contents and the padding between them.
    for place in (0..file.len()).step_by(487) {
        let mut flipped = file.clone();
        flipped[place] ^= 1 << (place % 8);
        assert!(!signed(&flipped), "the bit in byte {place} makes no difference");
    }
}

#[test]
fn a_bit_flipped_in_any_blob_of_a_signed_layout_is_refused() {
    let mut packed = sound();
    Publisher::new().sign(&mut packed);
    let tar = packed.layout().to_tar();
    for (digest, blob) in packed.layout().blobs() {
        let at = tar.windows(blob.len()).position(|window| window == &blob[..]).unwrap();
        for place in [0, blob.len() / 2, blob.len() - 1] {
            let mut flipped = tar.clone();
            flipped[at + place] ^= 1;
            let error = refused(&flipped);
            assert!(
                matches!(&error, PackedError::Layout(LayoutError::WrongDigest { said, .. }) if said == digest),
                "{error:?}"
            );
        }
    }
}

#[test]
fn a_file_that_was_cut_off_is_refused() {
    let tar = sound().layout().to_tar();
    for length in [0, 1, 511, 512, 1024, tar.len() / 3, tar.len() / 2, tar.len() - 2048] {
        assert!(matches!(refused(&tar[..length]), PackedError::Layout(_)), "{length}");
    }
}

#[test]
fn a_path_that_leads_elsewhere_is_refused() {
    for name in [
        "../../../../etc/cron.d/x",
        "/etc/passwd",
        "blobs/sha256/../../x",
        "blobs/sha256/",
        "blobs/sha512/x",
        "index.json/x",
        "BLOBS/sha256/x",
        "x",
        "\u{1b}[2Jx",
    ] {
        let error = refused(&with_entry(name, EntryType::Regular, "", b"x"));
        assert!(matches!(&error, PackedError::Layout(LayoutError::StrangeEntry(_))), "{name}: {error:?}");
        assert!(!error.to_string().contains('\u{1b}'), "what is told is harmless");
    }
}

#[test]
fn links_and_devices_are_refused() {
    let digest = Digest::of("x");
    let name = format!("blobs/sha256/{digest}");
    for kind in [EntryType::Symlink, EntryType::Link, EntryType::Fifo, EntryType::Char, EntryType::Block] {
        let error = refused(&with_entry(&name, kind, "/etc/passwd", b""));
        assert!(matches!(error, PackedError::Layout(LayoutError::NotAFile { .. })), "{kind:?}: {error:?}");
    }
    let sparse = refused(&with_entry(&name, EntryType::GNUSparse, "", b""));
    assert!(matches!(sparse, PackedError::Layout(LayoutError::NotAFile { .. } | LayoutError::Tar(_))), "{sparse:?}");
}

#[test]
fn a_link_in_the_folder_of_a_layout_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let layout = folder.path().join("layout");
    let packed = sound();
    packed.layout().write_folder(&layout).unwrap();
    assert!(Packed::read(&layout, &Limits::default()).is_ok());
    let blob = layout.join("blobs/sha256").join(packed.digest().to_string());
    let away = folder.path().join("away");
    std::fs::rename(&blob, &away).unwrap();
    std::os::unix::fs::symlink(&away, &blob).unwrap();
    let error = Packed::read(&layout, &Limits::default()).unwrap_err();
    assert!(matches!(error, PackedError::Layout(LayoutError::NotAFile { .. })), "{error:?}");
}

#[test]
fn an_entry_that_comes_twice_is_refused() {
    let packed = sound();
    let (_, blob) = packed.layout().blobs().next().unwrap();
    let name = format!("blobs/sha256/{}", Digest::of(blob));
    let error = refused(&with_entry(&name, EntryType::Regular, "", blob));
    assert!(matches!(&error, PackedError::Layout(LayoutError::Twice(twice)) if *twice == name), "{error:?}");
}

#[test]
fn huge_entries_and_huge_numbers_of_them_are_refused() {
    // A header that promises more than there is costs no memory.
    let mut header = Header::new_gnu();
    header.set_path(format!("blobs/sha256/{}", Digest::of("x"))).unwrap();
    header.set_entry_type(EntryType::Regular);
    header.set_size(1 << 50);
    header.set_cksum();
    let mut tar = header.as_bytes().to_vec();
    tar.extend([0; 1024]);
    assert!(matches!(refused(&tar), PackedError::Layout(LayoutError::Tar(_))));

    let mut many = Builder::new(Vec::new());
    for number in 0..=MOST_BLOBS {
        let content = number.to_string();
        let name = format!("blobs/sha256/{}", Digest::of(&content));
        entry(&mut many, &name, EntryType::Regular, "", content.as_bytes());
    }
    let error = refused(&many.into_inner().unwrap());
    assert!(matches!(error, PackedError::Layout(LayoutError::TooMany { .. })), "{error:?}");

    let mut layout = Layout::default();
    let error = (0..3_u8).find_map(|byte| layout.add_blob(vec![byte; 50 << 20]).err()).expect("150 MiB are too much");
    assert!(matches!(error, LayoutError::TooLarge { .. }), "{error:?}");
}

#[test]
fn deeply_nested_documents_are_refused() {
    let deep = "[".repeat(100_000);
    let mut tar = Builder::new(Vec::new());
    entry(&mut tar, "oci-layout", EntryType::Regular, "", br#"{"imageLayoutVersion":"1.0.0"}"#);
    entry(&mut tar, "index.json", EntryType::Regular, "", deep.as_bytes());
    let error = refused(&tar.into_inner().unwrap());
    assert!(matches!(error, PackedError::Layout(LayoutError::NotUnderstood { .. })), "{error:?}");

    let deep_files = rebuilt(|parts| {
        let mut tar = Builder::new(Vec::new());
        entry(&mut tar, &format!("events/{}x", "a/".repeat(20)), EntryType::Regular, "", b"");
        parts.layers.last_mut().unwrap().1 = tar.into_inner().unwrap();
    });
    assert!(matches!(refused(&deep_files), PackedError::StrangeFile(_)));

    let deep_manifest = rebuilt(|parts| {
        let mut tar = Builder::new(Vec::new());
        let toml = format!("a = {}", "[".repeat(50_000));
        entry(&mut tar, "pack.toml", EntryType::Regular, "", toml.as_bytes());
        parts.layers.last_mut().unwrap().1 = tar.into_inner().unwrap();
    });
    assert!(matches!(refused(&deep_manifest), PackedError::Lie { .. }));
}

#[test]
fn files_of_a_pack_that_lead_elsewhere_or_could_be_built_are_refused() {
    for name in
        ["../x", "/etc/passwd", "events/../../x", "Cargo.toml", "build.rs", "src/main.rs", "dist/x.wasm", ".git/config"]
    {
        let tar = rebuilt(|parts| {
            let mut tar = Builder::new(Vec::new());
            entry(&mut tar, name, EntryType::Regular, "", b"x");
            parts.layers.last_mut().unwrap().1 = tar.into_inner().unwrap();
        });
        let error = refused(&tar);
        assert!(matches!(error, PackedError::StrangeFile(_)), "{name}: {error:?}");
    }
    for kind in [EntryType::Symlink, EntryType::Link] {
        let tar = rebuilt(|parts| {
            let mut tar = Builder::new(Vec::new());
            entry(&mut tar, "events/x", kind, "/etc/passwd", b"");
            parts.layers.last_mut().unwrap().1 = tar.into_inner().unwrap();
        });
        assert!(matches!(refused(&tar), PackedError::Layout(LayoutError::NotAFile { .. })));
    }
}

#[test]
fn a_pack_that_lies_about_a_rule_is_refused() {
    let lie = |change: fn(&mut Contents)| match refused(&rebuilt(|parts| change(&mut parts.contents))) {
        PackedError::Lie { what, .. } => what,
        other => panic!("{other:?}"),
    };
    assert_eq!(lie(|contents| contents.rules[0].digest = Digest::of("another")), "its digest");
    assert_eq!(lie(|contents| contents.rules[0].size += 1), "its size");
    assert_eq!(lie(|contents| contents.rules[0].imports.clear()), "its imports");
    assert_eq!(lie(|contents| contents.rules[0].metadata.title = "Harmless".to_owned()), "its metadata");
    assert_eq!(lie(|contents| contents.rules[0].metadata.tables.push("accounts".to_owned())), "its metadata");
    let table = |contents: &mut Contents| {
        let table = TableContents { name: "accounts".to_owned(), key: None, columns: Vec::new(), about: None };
        contents.tables.push(table);
    };
    assert_eq!(lie(table), "the tables that its rules read");
}

#[test]
fn a_pack_that_lies_about_itself_is_refused() {
    let named = rebuilt(|parts| {
        parts.annotations.insert("org.opencontainers.image.title".to_owned(), "Another pack".to_owned());
    });
    assert!(matches!(refused(&named), PackedError::Lie { .. }));
    let another = rebuilt(|parts| parts.contents.pack.title = "Another pack".to_owned());
    assert!(matches!(refused(&another), PackedError::Lie { .. }));
}

#[test]
fn a_config_that_lies_about_the_imports_is_refused() {
    let tar = rebuilt(|parts| {
        let config = String::from_utf8(parts.config.clone()).unwrap();
        parts.config = config.replace("\"imports\":[", "\"imports\":[\"acme:nothing/at-all\",").into_bytes();
    });
    assert!(matches!(refused(&tar), PackedError::Lie { what: "what its config says of its imports", .. }));
}

#[test]
fn a_rule_that_is_not_said_and_one_that_is_not_there_are_refused() {
    let unsaid = rebuilt(|parts| parts.contents.rules.clear());
    assert!(matches!(refused(&unsaid), PackedError::Rules { problem: "there, and not said to be", .. }));
    let missing = rebuilt(|parts| parts.layers.retain(|(layer, _)| layer.media_type != oci::WASM));
    assert!(matches!(refused(&missing), PackedError::Rules { problem: "said to be there, and is not", .. }));
    let swapped = rebuilt(|parts| {
        let layer = parts.layers.iter_mut().find(|(layer, _)| layer.media_type == oci::WASM).unwrap();
        layer.1 = b"\0asm\x01\0\0\0".to_vec();
    });
    assert!(matches!(refused(&swapped), PackedError::Component { fault: ComponentFault::Module, .. }));
}

#[test]
fn a_manifest_that_lies_about_a_digest_or_a_size_is_refused() {
    let packed = sound();
    let (_, manifest) = packed.layout().pack().unwrap();
    let lying = |change: fn(&mut Descriptor)| {
        let mut manifest = manifest.clone();
        change(&mut manifest.layers[1]);
        let mut layout = Layout::default();
        for (_, blob) in packed.layout().blobs() {
            layout.add_blob(blob.clone()).unwrap();
        }
        layout.add_manifest(&manifest.to_bytes(), Some(oci::PACK), "1.2.3").unwrap();
        refused(&layout.to_tar())
    };
    let digest = lying(|layer| layer.digest = Digest::of("another"));
    assert!(matches!(digest, PackedError::Layout(LayoutError::NoBlob { .. })), "{digest:?}");
    let size = lying(|layer| layer.size += 1);
    assert!(matches!(size, PackedError::Layout(LayoutError::WrongSize { .. })), "{size:?}");
}

#[test]
fn two_packs_in_one_file_are_refused() {
    let mut packed = sound();
    let other = self::packed("acme/watch", "2.0.0", &[TRAIL_STOPPED]);
    let (descriptor, _) = other.layout().pack().unwrap();
    let manifest = other.layout().blob(descriptor).unwrap().clone();
    for (_, blob) in other.layout().blobs() {
        packed.layout_mut().add_blob(blob.clone()).unwrap();
    }
    packed.layout_mut().add_manifest(&manifest, Some(oci::PACK), "2.0.0").unwrap();
    let error = refused(&packed.layout().to_tar());
    assert!(matches!(error, PackedError::Layout(LayoutError::NotOnePack { number: 2 })), "{error:?}");
}

#[test]
fn an_image_that_is_no_pack_is_refused() {
    let mut layout = Layout::default();
    let config = b"{}".to_vec();
    let manifest = oci::Manifest {
        schema_version: FormVersion,
        media_type: oci::MANIFEST.to_owned(),
        artifact_type: None,
        config: Descriptor::of(oci::IMAGE_CONFIG, &config),
        layers: Vec::new(),
        annotations: BTreeMap::new(),
    };
    layout.add_blob(config).unwrap();
    layout.add_manifest(&manifest.to_bytes(), None, "latest").unwrap();
    assert!(matches!(refused(&layout.to_tar()), PackedError::NoPack { .. }));
    assert!(matches!(refused(b"not a tar"), PackedError::Layout(_)));
}
