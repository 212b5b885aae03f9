//! "Did you mean": the known names that resemble one that is not known.

use std::collections::BTreeSet;

/// How much alike names have to be, of 1, to be worth a word.
const ENOUGH: f64 = 0.6;

/// Returns at most so many of the known names, the nearest first; none where nothing comes near.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>, most: usize) -> Vec<&'a str> {
    let words = words(name);
    let mut found: Vec<(f64, &'a str)> = Vec::new();
    for candidate in known {
        let likeness = likeness(name, &words, candidate);
        if likeness >= ENOUGH {
            found.push((likeness, candidate));
        }
    }
    found.sort_by(|(left, one), (right, other)| right.total_cmp(left).then_with(|| one.cmp(other)));
    found.dedup_by(|(_, one), (_, other)| one == other);
    // What is far less alike than the best is no help beside it.
    let best = found.first().map_or(0.0, |&(likeness, _)| likeness);
    found.into_iter().take_while(|&(likeness, _)| best - likeness < 0.1).take(most).map(|(_, name)| name).collect()
}

/// Tells how much alike two names are: by their letters, or by the words that they are made of.
///
/// Letters find a misspelling. Words find `ReplaceIamInstanceProfileAssociation` for `ReplaceIamInstanceProfile`, and
/// `UpdateAccountPasswordPolicy` for `PutAccountPasswordPolicy`.
fn likeness(name: &str, name_words: &[String], candidate: &str) -> f64 {
    if name.eq_ignore_ascii_case(candidate) {
        return 1.0;
    }
    let by_letters = strsim::normalized_damerau_levenshtein(name, candidate);
    let candidate_words = words(candidate);
    let ours: BTreeSet<&String> = name_words.iter().collect();
    let common = candidate_words.iter().filter(|word| ours.contains(word)).count();
    #[expect(clippy::cast_precision_loss, reason = "a name has some words")]
    let by_words = 2.0 * common as f64 / (name_words.len() + candidate_words.len()) as f64;
    // Both count a little in the other's judgement: of names that share as many words, the one with more letters in common comes first.
    let (more, less) = if by_letters > by_words { (by_letters, by_words) } else { (by_words, by_letters) };
    let another_mode = if reads(name_words) == reads(&candidate_words) { 0.0 } else { 0.15 };
    0.9 * more + 0.1 * less - another_mode
}

/// Splits a name where a capital begins a word, and at dots, `-` and `_`.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before_is_lower = false;
    for character in name.chars() {
        if !character.is_ascii_alphanumeric() {
            before_is_lower = false;
            words.push(String::new());
            continue;
        }
        if words.is_empty() || (character.is_ascii_uppercase() && before_is_lower) {
            words.push(String::new());
        }
        before_is_lower = !character.is_ascii_uppercase();
        if let Some(word) = words.last_mut() {
            word.push(character.to_ascii_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Tells whether an operation only reads, by its verb: who misspelt a write did not mean a read.
fn reads(words: &[String]) -> bool {
    words.first().is_some_and(|verb| ["describe", "get", "head", "list", "search"].contains(&verb.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelling_finds_its_name() {
        let known = ["DescribeOrganization", "DescribeOrganizationalUnit", "CreateOrganizationalUnit", "ListRoots"];
        assert_eq!(nearest("DescribeOrgnanizationalUnit", known, 3), ["DescribeOrganizationalUnit"]);
        assert_eq!(nearest("createorganizationalunit", known, 1), ["CreateOrganizationalUnit"]);
        assert_eq!(nearest("StopLogging", known, 3), [""; 0]);
    }

    #[test]
    fn a_name_of_the_same_words_is_found_and_a_write_before_a_read() {
        let known = ["DeleteAccountPasswordPolicy", "GetAccountPasswordPolicy", "UpdateAccountPasswordPolicy"];
        let found = nearest("PutAccountPasswordPolicy", known, 3);
        assert_eq!(found.last(), Some(&"GetAccountPasswordPolicy"), "{found:?}");
        let known = ["ReplaceRoute", "ReplaceIamInstanceProfileAssociation"];
        assert_eq!(nearest("ReplaceIamInstanceProfile", known, 3), ["ReplaceIamInstanceProfileAssociation"]);
    }

    #[test]
    fn words_begin_at_capitals_and_behind_marks() {
        assert_eq!(words("PutBucketACL"), ["put", "bucket", "acl"]);
        assert_eq!(words("sso-directory.amazonaws.com"), ["sso", "directory", "amazonaws", "com"]);
    }
}
