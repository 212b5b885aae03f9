//! Rules and packs.

use std::collections::BTreeSet;

use orgwatch_host::index::Pattern;
use orgwatch_host::pack::Pack;
use orgwatch_rules_sdk::{INTERFACE, Metadata};

use super::{files, name, read};
use crate::support::{root, rules};

/// The headings of every description, in this order.
const HEADINGS: [&str; 4] = ["What it does", "Why it matters", "What it misses", "What to do"];

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
fn no_two_rules_have_one_id() {
    let rules = described();
    let ids: BTreeSet<&str> = rules.iter().map(|(_, _, metadata)| metadata.id.as_str()).collect();
    assert_eq!(ids.len(), rules.len(), "two rules have one id: {ids:?}");
}

#[test]
fn a_title_is_a_sentence_without_a_full_stop() {
    for (_, _, metadata) in described() {
        let title = &metadata.title;
        let fit = title.chars().count() <= 80 && title.starts_with(char::is_uppercase) && !title.ends_with('.');
        assert!(
            fit,
            "{}: begin the title with a capital, end it without a full stop, in 80 characters: {title:?}",
            metadata.id
        );
    }
}

#[test]
fn a_description_has_its_four_parts() {
    for (_, _, metadata) in described() {
        let headings: Vec<&str> = metadata.description.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(headings, HEADINGS, "{}: give the doc comment these headings, in this order", metadata.id);
        for part in metadata.description.split("## ") {
            let words = part.split_whitespace().count();
            assert!(words > 8, "{}: say more than this: {part:?}", metadata.id);
        }
    }
}

#[test]
fn attack_techniques_are_well_formed() {
    let digits = |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    for (_, _, metadata) in described() {
        for technique in &metadata.attack {
            let number = technique.strip_prefix('T').unwrap_or_default();
            let (main, sub) = number.split_once('.').unwrap_or((number, "000"));
            let fit = digits(main, 4) && digits(sub, 3);
            assert!(fit, "{}: write {technique:?} like T1666 or T1136.003", metadata.id);
        }
        assert!(
            metadata.generic || !metadata.attack.is_empty(),
            "{}: name the ATT&CK technique that it sees",
            metadata.id
        );
    }
}

#[test]
fn references_are_addresses_or_controls() {
    for (_, _, metadata) in described() {
        assert!(!metadata.references.is_empty(), "{}: refer to a document or a control", metadata.id);
        for reference in &metadata.references {
            let fit = reference.starts_with("https://") || reference.contains('§');
            assert!(fit, "{}: {reference:?} is neither an https address nor a control with its §", metadata.id);
        }
        let told = metadata.generic || !metadata.false_positives.is_empty();
        assert!(told, "{}: say in false_positives when a finding is no reason to worry", metadata.id);
    }
}

#[test]
fn what_a_rule_asks_for_is_a_list_of_patterns() {
    for (_, _, metadata) in described() {
        let patterns = metadata.matches.to_wire();
        assert!(metadata.generic || !patterns.is_empty(), "{}: say in matches which records it asks for", metadata.id);
        for pattern in patterns {
            let parsed = Pattern::parse(&pattern);
            assert!(parsed.is_ok(), "{}: {pattern}: {parsed:?}", metadata.id);
        }
    }
}

#[test]
fn every_setting_is_documented_and_unknown_ones_are_refused() {
    for (_, _, metadata) in described() {
        let schema = &metadata.settings;
        let closed = schema["additionalProperties"] == false;
        assert!(closed, "{}: put #[serde(deny_unknown_fields)] on the settings", metadata.id);
        for (setting, schema) in schema["properties"].as_object().into_iter().flatten() {
            let documented = schema["description"].as_str().is_some_and(|text| text.ends_with('.'));
            assert!(documented, "{}: explain the setting `{setting}` in its doc comment", metadata.id);
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
