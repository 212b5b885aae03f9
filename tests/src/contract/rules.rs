//! Rules and packs: what `check` asks of every rule, and what this project asks of its own.

use orgwatch_host::pack::Pack;
use orgwatch_rules_sdk::{INTERFACE, Metadata};

use super::{files, name, read};
use crate::support::{Run, root, rules};

/// What every shipped rule says of itself, with its file's stem and its pack. The host has checked the version, the id's letters and that
/// severity and status are known ones.
fn described() -> Vec<(String, String, Metadata)> {
    let described = rules().into_iter().map(|rule| {
        let stem = rule.path.file_stem().expect("a component has a name").to_string_lossy().into_owned();
        let component = rule.component.unwrap_or_else(|fault| panic!("{}: {fault}", rule.path.display()));
        (stem, rule.pack.expect("the project's rules lie in packs"), component.metadata().clone())
    });
    described.collect()
}

#[test]
fn check_has_nothing_to_say_of_the_rules() {
    let ran = Run::new(["check", "rules", "--deny-warnings", "--output", "text"]).with_all_rules().run();
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
    let checked = format!("checked {} rules ", rules().len());
    assert!(ran.stderr.starts_with(&checked) && ran.stderr.ends_with(": 0 errors, 0 warnings\n"), "{}", ran.stderr);
}

#[test]
fn a_rules_id_file_and_title_are_the_same_words() {
    for (stem, _, metadata) in described() {
        let last = metadata.id.rsplit('.').next().unwrap_or_default();
        assert_eq!(stem.replace('_', "-"), last, "{}: name the file after the last part of the id", metadata.id);
        let title = metadata.title.to_lowercase();
        for word in last.split('-') {
            // `changes` and `changed` are one word here.
            let root = &word[..word.len().min(5)];
            assert!(
                title.contains(root),
                "{}: its title should have the word {word:?}: {:?}",
                metadata.id,
                metadata.title
            );
        }
    }
}

#[test]
fn every_rule_is_built_for_the_interface_of_the_wit_folder() {
    let folders = files("rules-sdk/wit", "wit");
    let [wit] = folders.as_slice() else { panic!("one version of the interface is expected: {folders:?}") };
    let package =
        read(wit).lines().find_map(|line| Some(line.strip_prefix("package ")?.trim_end_matches(';').to_owned()));
    assert_eq!(package.as_deref(), Some(INTERFACE), "INTERFACE in rules-sdk/src/lib.rs and {} differ", name(wit));
    let version = INTERFACE.rsplit('@').next().unwrap_or_default();
    let minor = version.rsplit_once('.').map_or(version, |(minor, _)| minor);
    let expected = root().join(format!("rules-sdk/wit/v{minor}"));
    assert_eq!(wit.parent(), Some(expected.as_path()), "the folder is named after the version");
    for (_, _, metadata) in described() {
        assert_eq!(metadata.interface, INTERFACE, "{}: build it anew", metadata.id);
    }
}

#[test]
fn every_crate_of_rules_is_a_pack_named_after_its_folder() {
    for manifest in files("rules", "toml").iter().filter(|path| path.ends_with("Cargo.toml")) {
        let folder = manifest.parent().expect("a file lies in a folder");
        let pack = Pack::open(folder).unwrap_or_else(|error| panic!("{}: {error}", name(folder)));
        let expected = format!("orgwatch/{}", folder.file_name().unwrap_or_default().to_string_lossy());
        assert_eq!(pack.manifest().id.to_string(), expected, "{}: name the pack after its folder", name(folder));
        assert_eq!(pack.manifest().license, "Apache-2.0 OR MIT", "{}", name(folder));
    }
}
