//! One list of hostile strings, and what of them must come through no layer; and of ordinary ones, which must come through all.

use super::*;

/// What callers have put, or could put, where an alert shows it.
const HOSTILE: [&str; 34] = [
    "\x1b[2J\x1b]0;owned\x07",
    "\u{9b}31m\u{202e}gnp.exe\u{2066}",
    "a\u{200b}b\u{feff}c\u{ad}d\u{e0041}\u{3164}",
    "line\r\nerror: another line",
    "one\ntwo\u{2028}three\u{85}four",
    "\0\x08\x7f",
    "<!channel> <!here> <!everyone>",
    "<@U012AB3CD> <#C012AB3CD> <!subteam^S1>",
    "<https://evil.example|the console>",
    "https://evil.example/login",
    "HTTP://EVIL.EXAMPLE",
    "www.evil.example",
    "evil.example/path",
    "bucket.s3.amazonaws.com/login.html",
    "mailto:ceo@evil.example",
    "javascript:alert(1)",
    "[the console](https://evil.example)",
    "![](https://evil.example/pixel)",
    "# heading\n* item\n1. item",
    "**bold** _it_ ~gone~ `code` ```block```",
    "<at>everyone</at>",
    "{{DATE(2026-11-01T00:00:00Z)}} ${user}",
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "&lt;script&gt; &#60;",
    "=HYPERLINK(\"https://evil.example\",\"x\")",
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1)",
    "\t=1+1",
    "a,b\",\"=1",
    "x\" level=error msg=\"forged",
    "a\",code=\"1\"} 1\nforged{b=\"\\",
];

/// Names and sentences as people write them.
const ORDINARY: [&str; 8] = [
    "Zürich",
    "Łódź – café",
    "東京 大阪",
    "Привет мир",
    "مرحبا",
    "नमस्ते",
    "계정 삭제",
    "arn:aws:sts::111122223333:assumed-role/OrgAdmin/anaya",
];

/// Runs every hostile string through a layer, which has to hold back all that deceives, and one of which the test says more.
fn each(layer: impl Fn(&str) -> String, mut check: impl FnMut(&str, &str)) {
    for hostile in HOSTILE {
        let out = layer(hostile);
        assert!(!out.chars().any(is_deceptive), "{hostile:?} gives {out:?}");
        check(hostile, &out);
    }
}

fn links(out: &str) -> bool {
    let low = out.to_lowercase();
    low.contains("://")
        || low.contains("evil.")
        || low.contains("s3.amazonaws")
        || low.contains("www.")
        || low.contains("mailto:")
}

#[test]
fn on_a_terminal_nothing_moves_or_hides() {
    each(terminal, |_, _| {});
}

#[test]
fn in_mail_nothing_becomes_a_link() {
    each(mail, |hostile, out| assert!(!links(out), "{hostile:?} gives {out:?}"));
    each(mail_subject, |hostile, out| {
        assert!(!links(out) && out.len() < 100 && out.is_ascii(), "{hostile:?} gives {out:?}");
        assert!(out.starts_with(|first: char| first.is_ascii_alphanumeric()), "{hostile:?} gives {out:?}");
    });
}

#[test]
fn in_slack_nobody_is_called_and_nothing_is_a_link() {
    each(slack, |hostile, out| {
        assert!(!out.contains(['<', '>', '*', '`', '~']) && !links(out), "{hostile:?} gives {out:?}");
        assert!(!out.starts_with('@') && !out.contains(" @"), "{hostile:?} gives {out:?}");
        let bare = ["&amp;", "&lt;", "&gt;"].iter().fold(out.to_owned(), |out, entity| out.replace(entity, ""));
        assert!(!bare.contains('&'), "{hostile:?} gives {out:?}");
    });
}

#[test]
fn in_a_card_nothing_is_formatted_or_a_link() {
    each(card, |hostile, out| {
        assert!(!out.contains(['<', '>', '{', '}', '$', '&']) && !links(out), "{hostile:?} gives {out:?}");
        let mut characters = out.chars();
        while let Some(character) = characters.next() {
            match character {
                '\\' => _ = characters.next(),
                other => assert!(!"*_`[]()#|~!".contains(other), "{hostile:?} gives {out:?}"),
            }
        }
    });
}

#[test]
fn in_html_there_is_neither_a_tag_nor_the_end_of_an_attribute() {
    each(html, |hostile, out| assert!(!out.contains(['<', '>', '"', '\'', '`', '=']), "{hostile:?} gives {out:?}"));
    assert_eq!(html("&lt;"), "&amp;lt;");
}

#[test]
fn in_a_log_there_is_one_line() {
    each(log, |_, _| {});
    assert_eq!(log("said \\u{a} before"), "said \\u{a} before");
}

#[test]
fn in_a_label_there_is_one_short_value() {
    each(label, |hostile, out| assert!(out.len() <= 128, "{hostile:?} gives {out:?}"));
    assert!(label(&"é".repeat(1000)).len() <= 128);
}

#[test]
fn ordinary_text_stays_readable_everywhere() {
    for text in ORDINARY {
        for (name, out) in [
            ("terminal", terminal(text)),
            ("mail", mail(text)),
            ("slack", slack(text)),
            ("card", card(text)),
            ("html", html(text)),
            ("log", log(text)),
            ("label", label(text)),
        ] {
            assert!(out.contains(text), "{name}: {text} gives {out}");
        }
    }
    assert_eq!(mail_subject("Zürich: account 1 left"), "Z?rich: account 1 left");
}
