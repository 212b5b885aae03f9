//! Every public item of the SDK has an example, which `cargo test --doc` runs.
//!
//! The lint `unreachable_pub` sees to it that whatever is `pub` in a file is public, so the files themselves are the list.

use std::fs;
use std::path::{Path, PathBuf};

use syn::{Attribute, Expr, ExprLit, ImplItem, Item, Lit, Meta, TraitItem, Type, Visibility};

#[test]
fn every_public_item_has_an_example() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut items = Items::default();
    items.modules.push(("the crate".to_owned(), ["lib.rs".to_owned(), String::new()]));
    for path in rust_files(&source) {
        let text = fs::read_to_string(&path).unwrap();
        let file = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        items.place = path.strip_prefix(&source).unwrap().display().to_string();
        // The documentation of a module that is a file stands in the file.
        if has_example(&file.attrs) {
            items.explained.push(items.place.clone());
        }
        items.read(&file.items);
    }
    let explained = |place: &str| items.explained.iter().any(|known| known == place);
    let modules = items.modules.iter().filter(|(_, files)| !files.iter().any(|file| explained(file)));
    let mut bare: Vec<&String> = items.bare.iter().chain(modules.map(|(name, _)| name)).collect();
    bare.sort();
    assert!(items.seen > 100, "only {} public items were found: the test does not read them any more", items.seen);
    assert!(bare.is_empty(), "give each of these items a short example in its documentation: {bare:#?}");
}

#[test]
fn the_guide_quotes_the_first_rule_its_tests_and_its_cases_as_they_are() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |path: &str| fs::read_to_string(project.join(path)).unwrap();
    let guide = read("docs/writing-rules.md");
    let rule = read("examples/first-rule/src/bin/trail_stopped.rs");
    let (rule, tests) = rule.split_once("\n#[cfg(test)]\n").unwrap();
    let (_, rule) = rule.split_once("\n\n").unwrap();
    for quoted in [rule, tests, &read("examples/first-rule/events/trail_stopped/cases.toml")] {
        assert!(guide.contains(quoted.trim()), "docs/writing-rules.md has to quote this as it is:\n{quoted}");
    }
}

/// All files but the glue of WebAssembly, of which a rule's author sees nothing.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() && !path.ends_with("guest") {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The public items that were met.
#[derive(Default)]
struct Items {
    /// The file that is being read.
    place: String,
    seen: usize,
    /// Those without an example.
    bare: Vec<String>,
    /// Public modules with the files in which one of them may be.
    modules: Vec<(String, [String; 2])>,
    /// Files whose module's documentation has an example.
    explained: Vec<String>,
}

impl Items {
    fn read(&mut self, items: &[Item]) {
        for item in items {
            let (attributes, visibility, name) = match item {
                Item::Const(item) => (&item.attrs, &item.vis, item.ident.to_string()),
                Item::Enum(item) => (&item.attrs, &item.vis, item.ident.to_string()),
                Item::Fn(item) => (&item.attrs, &item.vis, item.sig.ident.to_string()),
                Item::Static(item) => (&item.attrs, &item.vis, item.ident.to_string()),
                Item::Struct(item) => (&item.attrs, &item.vis, item.ident.to_string()),
                Item::Type(item) => (&item.attrs, &item.vis, item.ident.to_string()),
                Item::Mod(item) => (&item.attrs, &item.vis, item.ident.to_string()),
                Item::Trait(item) => {
                    if is_for_authors(&item.attrs) {
                        self.read_trait(item);
                    }
                    (&item.attrs, &item.vis, item.ident.to_string())
                }
                Item::Macro(item) => {
                    let exported = item.attrs.iter().any(|attribute| attribute.path().is_ident("macro_export"));
                    if let Some(name) = item.ident.as_ref().filter(|_| exported) {
                        self.met(&item.attrs, &format!("{name}!"));
                    }
                    continue;
                }
                Item::Impl(item) => {
                    if item.trait_.is_none() && is_for_authors(&item.attrs) {
                        self.read_methods(&type_name(&item.self_ty), &item.items);
                    }
                    continue;
                }
                _ => continue,
            };
            let public = matches!(visibility, Visibility::Public(_));
            match item {
                Item::Mod(module) if public && module.content.is_none() && is_for_authors(attributes) => {
                    let parent = Path::new(&self.place).parent().unwrap_or(Path::new(""));
                    let folder = parent.join(&name).display().to_string();
                    self.modules.push((format!("module {name}"), [format!("{folder}.rs"), format!("{folder}/mod.rs")]));
                }
                _ if public => self.met(attributes, &name),
                _ => {}
            }
        }
    }

    fn read_methods(&mut self, type_name: &str, items: &[ImplItem]) {
        for item in items {
            let (attributes, visibility, name) = match item {
                ImplItem::Fn(method) => (&method.attrs, &method.vis, &method.sig.ident),
                ImplItem::Const(constant) => (&constant.attrs, &constant.vis, &constant.ident),
                _ => continue,
            };
            if matches!(visibility, Visibility::Public(_)) {
                self.met(attributes, &format!("{type_name}::{name}"));
            }
        }
    }

    fn read_trait(&mut self, item: &syn::ItemTrait) {
        for method in &item.items {
            match method {
                TraitItem::Fn(method) => self.met(&method.attrs, &format!("{}::{}", item.ident, method.sig.ident)),
                TraitItem::Type(of) => self.met(&of.attrs, &format!("{}::{}", item.ident, of.ident)),
                _ => {}
            }
        }
    }

    fn met(&mut self, attributes: &[Attribute], name: &str) {
        if !is_for_authors(attributes) {
            return;
        }
        self.seen += 1;
        if !has_example(attributes) {
            self.bare.push(format!("{}: {name}", self.place));
        }
    }
}

/// Tells whether an item is neither hidden nor only there where a rule is compiled to WebAssembly, which has a native twin.
fn is_for_authors(attributes: &[Attribute]) -> bool {
    !attributes.iter().any(|attribute| {
        let Meta::List(list) = &attribute.meta else {
            return false;
        };
        let tokens = list.tokens.to_string();
        (list.path.is_ident("doc") && tokens == "hidden")
            || (list.path.is_ident("cfg") && (tokens == "test" || tokens.starts_with("target_family")))
    })
}

fn has_example(attributes: &[Attribute]) -> bool {
    let mut open = false;
    for line in attributes.iter().filter_map(doc_line) {
        if let Some(language) = line.trim().strip_prefix("```") {
            if !open && (language.is_empty() || language == "should_panic") {
                return true;
            }
            open = !open;
        }
    }
    false
}

fn doc_line(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(meta) = &attribute.meta else {
        return None;
    };
    match &meta.value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if meta.path.is_ident("doc") => Some(text.value()),
        _ => None,
    }
}

fn type_name(of: &Type) -> String {
    match of {
        Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default(),
        _ => String::new(),
    }
}
