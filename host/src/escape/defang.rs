//! Text that looks like a link, written so that no program makes one of it.

/// Writes a text so that nothing in it becomes a link: `https[:]//evil[.]example/x`. A name that AWS gives a service, such as
/// `organizations.amazonaws.com`, stays as it is where it stands alone: it leads nowhere of a stranger's choosing.
pub fn defang(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|character| !in_name(character)).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        if is_link(name)
            && !(is_service(name) && !out.ends_with(['/', '@', ':']) && !after.starts_with(['/', ':', '@']))
        {
            out.push_str(&name.replace('.', "[.]"));
        } else {
            out.push_str(name);
        }
        rest = after;
        if let Some(character) = rest.chars().next() {
            // A scheme is what ends in `://`, and `mailto:` and its like before a name.
            let scheme = character == ':' && !name.is_empty() && (rest.starts_with("://") || is_scheme(name));
            if scheme {
                out.push_str("[:]");
            } else {
                out.push(character);
            }
            rest = &rest[character.len_utf8()..];
        }
    }
    out
}

fn in_name(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '.' | '-' | '_')
}

/// Tells whether a word would be taken for the name of a machine: labels with dots between, the last of which is no number.
fn is_link(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    let Some((_, last)) = name.rsplit_once('.') else { return false };
    let top = last.chars().count() >= 2
        && (last.chars().all(char::is_alphabetic) || last.to_ascii_lowercase().starts_with("xn--"));
    top || name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("www."))
}

fn is_service(name: &str) -> bool {
    name.strip_suffix(".amazonaws.com").is_some_and(|service| !service.is_empty() && !service.contains('.'))
}

fn is_scheme(name: &str) -> bool {
    ["mailto", "tel", "javascript", "data", "file", "slack", "msteams"]
        .iter()
        .any(|scheme| name.eq_ignore_ascii_case(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_written_so_that_nobody_follows_them() {
        for (text, expected) in [
            ("https://evil.example/x?y=1.2", "https[:]//evil[.]example/x?y=1.2"),
            ("see www.evil.example.", "see www[.]evil[.]example[.]"),
            ("evil.example/login", "evil[.]example/login"),
            ("mailto:a@evil.example", "mailto[:]a@evil[.]example"),
            ("http://organizations.amazonaws.com", "http[:]//organizations[.]amazonaws[.]com"),
            ("bucket.s3.amazonaws.com", "bucket[.]s3[.]amazonaws[.]com"),
            ("s3.amazonaws.com/bucket", "s3[.]amazonaws[.]com/bucket"),
            ("пример.рф", "пример[.]рф"),
        ] {
            assert_eq!(defang(text), expected);
        }
    }

    #[test]
    fn what_is_no_link_stays() {
        for text in [
            "organizations.amazonaws.com",
            "arn:aws:sts::111122223333:assumed-role/OrgAdmin/anaya",
            "192.0.2.44",
            "aws-cli/2.31.9",
            "Zürich. 東京。 e.g. this",
            "a: b::c",
        ] {
            assert_eq!(defang(text), text);
        }
    }
}
