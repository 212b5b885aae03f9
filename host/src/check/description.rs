//! What a rule says of itself in words.

use orgwatch_rules_sdk::Metadata;

use super::remark::{Code, Remark};

/// The headings of every description, in this order.
const HEADINGS: [&str; 4] = ["What it does", "Why it matters", "What it misses", "What to do"];

/// The longest title: alerts put it where there is little room.
const LONGEST_TITLE: usize = 80;

/// A part of a description with fewer words says next to nothing.
const FEWEST_WORDS: usize = 5;

pub(super) fn check(metadata: &Metadata, remarks: &mut Vec<Remark>) {
    if !metadata.generic && !metadata.id.contains('.') {
        let message = format!("the id `{}` is in no namespace", metadata.id);
        let hint = "put a word of your own before it, such as `team.`: two packs with one id cannot run together";
        remarks.push(Remark::new(Code::IdWithoutNamespace, "id", message).hint(hint));
    }
    title(&metadata.title, remarks);
    parts(&metadata.description, remarks);
    if !metadata.generic && metadata.false_positives.is_empty() {
        let message = "it is not said when a finding is no reason to worry";
        let hint = "name such cases in false_positives";
        remarks.push(Remark::new(Code::FalsePositivesMissing, "false_positives", message).hint(hint));
    }
    for (place, table) in metadata.tables.iter().enumerate() {
        let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        if table.is_empty() || !table.bytes().all(letters) {
            let message = format!("no table can be called `{table}`");
            let hint = "the name of a table is made of lower-case letters, digits, `-` and `_`";
            remarks.push(Remark::new(Code::TableNameMalformed, format!("tables[{place}]"), message).hint(hint));
        }
    }
}

fn title(title: &str, remarks: &mut Vec<Remark>) {
    let mut remark = |message: &str| remarks.push(Remark::new(Code::TitleForm, "title", message));
    if !title.starts_with(char::is_uppercase) {
        remark("the title does not begin with a capital letter");
    }
    if title.ends_with('.') {
        remark("the title ends with a full stop");
    }
    let length = title.chars().count();
    if length > LONGEST_TITLE {
        remark(&format!("the title has {length} characters, more than {LONGEST_TITLE}"));
    }
}

fn parts(description: &str, remarks: &mut Vec<Remark>) {
    let mut headings = Vec::new();
    let mut bodies = vec![String::new()];
    for line in description.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            headings.push(heading.trim());
            bodies.push(String::new());
        } else if let Some(body) = bodies.last_mut() {
            body.push_str(line);
            body.push('\n');
        }
    }
    if headings != HEADINGS {
        let has = if headings.is_empty() { "none".to_owned() } else { headings.join(", ") };
        let message = format!("the description has not its four parts; its headings are: {has}");
        let hint = format!("give the doc comment these headings, in this order: {}", HEADINGS.join(", "));
        remarks.push(Remark::new(Code::DescriptionParts, "description", message).hint(hint));
        return;
    }
    let names = std::iter::once("what comes before the first heading").chain(HEADINGS);
    for (name, body) in names.zip(&bodies) {
        let words = body.split_whitespace().count();
        if words < FEWEST_WORDS {
            let message = format!("{name}: this says next to nothing, in fewer than {FEWEST_WORDS} words");
            remarks.push(Remark::new(Code::DescriptionShort, "description", message));
        }
    }
}
