//! `rules docs`: the rules' own pages, written from what the components say of themselves.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use crate::command::args::DocsArgs;
use crate::command::found::RulesFound;
use crate::command::{Failure, print};
use crate::escape;
use crate::exit::Exit;
use crate::rule::page;

/// The name of the index.
const INDEX: &str = "README.md";

pub(super) fn run(arguments: &DocsArgs) -> Result<Exit, Failure> {
    let found = RulesFound::find(&arguments.source)?;
    // A page that is missing because its rule could not be read would look like a rule that is gone.
    let broken = found.tell_of_broken();
    if broken != Exit::Done {
        return Ok(broken);
    }
    let mut pages: Vec<(String, String)> = Vec::new();
    let mut rules: Vec<page::Subject<'_>> = found
        .files
        .iter()
        .filter_map(|file| {
            Some(page::Subject { metadata: file.component.as_ref().ok()?.metadata(), pack: file.pack.as_deref() })
        })
        .collect();
    rules.sort_by(|left, right| left.metadata.id.cmp(&right.metadata.id));
    for rule in &rules {
        pages.push((format!("{}.md", rule.metadata.id), page::of(rule)));
    }
    pages.push((INDEX.to_owned(), page::index(&rules)));

    let folder = &arguments.out;
    fs::create_dir_all(folder).map_err(|error| failed("create", folder, &error))?;
    let names: BTreeSet<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
    remove_others(folder, &names)?;
    for (name, text) in &pages {
        let path = folder.join(name);
        fs::write(&path, text).map_err(|error| failed("write", &path, &error))?;
    }
    print(format!("wrote {} pages to {}\n", pages.len(), escape::path(folder)))
}

/// Removes pages that this command wrote earlier and would not write now. What somebody else wrote stays.
fn remove_others(folder: &Path, names: &BTreeSet<&str>) -> Result<(), Failure> {
    let entries = fs::read_dir(folder).map_err(|error| failed("read", folder, &error))?;
    for entry in entries {
        let path = entry.map_err(|error| failed("read", folder, &error))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_page = path.extension().is_some_and(|extension| extension == "md")
            && fs::read_to_string(&path).is_ok_and(|text| text.starts_with(page::MARK));
        if is_page && !names.contains(name.as_str()) {
            fs::remove_file(&path).map_err(|error| failed("remove", &path, &error))?;
        }
    }
    Ok(())
}

fn failed(doing: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::input_output(format!("failed to {doing} `{}`: {error}", escape::path(path)))
}
