//! The rules' own pages in `docs/rules/`: written from the code, and as fresh as it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::support::{Run, root};

const COMMAND: &str = "cargo run -- rules docs --rules rules/ --out docs/rules";

fn pages(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}\nrun `{COMMAND}`", folder.display()));
    let page = |entry: fs::DirEntry| {
        let text = fs::read_to_string(entry.path()).expect("a page is text");
        (entry.file_name().to_string_lossy().into_owned(), text)
    };
    entries.map(|entry| page(entry.expect("the folder can be read"))).collect()
}

#[test]
fn the_pages_of_the_rules_say_what_the_rules_say() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = Run::new(["rules", "docs", "--rules", "rules", "--out", "pages"]).with_all_rules();
    let ran = run.link("pages", folder.path()).run();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let (fresh, committed) = (pages(folder.path()), pages(&root().join("docs/rules")));
    let names = |pages: &BTreeMap<String, String>| pages.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(&committed), names(&fresh), "docs/rules/ has other pages than there are rules: run `{COMMAND}`");
    for (name, text) in &fresh {
        assert!(committed[name] == *text, "docs/rules/{name} is not what the rule says of itself: run `{COMMAND}`");
    }
    assert_eq!(ran.stdout, format!("wrote {} pages to pages\n", fresh.len()));
}

#[test]
fn pages_that_somebody_wrote_stay_when_others_are_removed() {
    let mark = "<!-- Written by `orgwatch-host rules docs` from what the rules say of themselves. -->\n";
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("cis.gone.md"), mark).expect("the page can be written");
    fs::write(folder.path().join("by-hand.md"), "# Ours\n").expect("the page can be written");
    let run = Run::new(["rules", "docs", "--rules", "rules", "--out", "pages"]).with_all_rules();
    assert_eq!(run.link("pages", folder.path()).run().code, 0);
    let names: Vec<String> = pages(folder.path()).into_keys().collect();
    assert!(names.contains(&"by-hand.md".to_owned()) && !names.contains(&"cis.gone.md".to_owned()), "{names:?}");
}
