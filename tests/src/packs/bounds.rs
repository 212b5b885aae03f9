//! Packs that want to take up a machine rather than to get past anybody: what they cost is bounded before anyone has trusted them.

use std::collections::BTreeMap;

use orgwatch_host::pack::form::FormVersion;
use orgwatch_host::pack::packed::oci::{self, Descriptor, Manifest};
use orgwatch_host::pack::packed::{Layout, LayoutError, Packed, SIGNATURE, SIGNED, signature_tag};
use orgwatch_host::sandbox::Limits;

use super::publisher::{Publisher, TRAIL_STOPPED, packed, run, trusting};

/// A signed pack, with a manifest of signatures put in the place of its own.
fn signed_with(acme: &Publisher, layers: impl FnOnce(&mut Layout) -> Vec<Descriptor>) -> Packed {
    let mut packed = packed("acme/watch", "1.0.0", &[TRAIL_STOPPED]);
    acme.sign(&mut packed);
    let mut layout = packed.layout().clone();
    let layers = layers(&mut layout);
    layout.add_blob(b"{}".to_vec()).expect("there is room");
    let manifest = Manifest {
        schema_version: FormVersion,
        media_type: oci::MANIFEST.to_owned(),
        artifact_type: None,
        config: Descriptor::of(oci::IMAGE_CONFIG, b"{}"),
        layers,
        annotations: BTreeMap::new(),
    };
    layout.add_manifest(&manifest.to_bytes(), None, &signature_tag(packed.digest())).expect("there is room");
    Packed::open(layout, &Limits::default()).expect("the pack itself is sound")
}

#[test]
fn one_large_blob_that_is_named_as_a_thousand_signatures_takes_no_memory() {
    let acme = Publisher::new();
    // Together some hundred gigabytes.
    let hostile = signed_with(&acme, |layout| {
        let large = vec![b'x'; 32 << 20];
        let layer = Descriptor::of(SIGNED, &large).with(SIGNATURE, "AAAA");
        layout.add_blob(large).unwrap();
        vec![layer; 4000]
    });
    assert_eq!(hostile.layout().signatures(hostile.digest()).unwrap(), []);
    let ran = run("pack.tar", &trusting(""), &acme).file("pack.tar", hostile.layout().to_tar()).run();
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
    assert!(ran.stderr.contains("0 of the 1 keys"), "{}", ran.stderr);
}

#[test]
fn more_signatures_than_anybody_needs_are_not_looked_at() {
    let acme = Publisher::new();
    let hostile = signed_with(&acme, |layout| {
        layout.add_blob(b"{}".to_vec()).unwrap();
        vec![Descriptor::of(SIGNED, b"{}").with(SIGNATURE, "AAAA"); 1000]
    });
    let error = hostile.layout().signatures(hostile.digest()).unwrap_err();
    assert!(matches!(error, LayoutError::TooManySignatures { .. }), "{error}");
    assert!(!hostile.is_signed_by(&acme.key.public()));
}
