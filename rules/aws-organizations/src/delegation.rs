//! The text of a resource policy, read for one question: who is granted what.
//!
//! It is JSON in a string, and there are many ways to write the same thing: names in any letter case, `\u` escapes, one statement instead of a
//! list, one principal instead of a list, `NotPrincipal` and `NotAction`. Where a policy can be read in two ways the wider one counts, so
//! that no way of writing makes a grant look smaller than it is. A text in which an object has a key twice is not read at all, because readers
//! disagree on which one counts. Conditions are not weighed: they can only narrow a grant.

use std::collections::BTreeSet;

use orgwatch_rules_sdk::event::AccountId;
use orgwatch_rules_sdk::json::{Document, Kind, Node};

use crate::text::plain;

/// Who a resource policy allows to do what, all its statements together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delegation {
    /// The principals, as written.
    pub principals: BTreeSet<String>,
    /// The accounts that the principals belong to.
    pub accounts: BTreeSet<AccountId>,
    /// The actions, as written; those of a `NotAction` begin with `all but`.
    pub actions: BTreeSet<String>,
    /// True where everybody is granted something: `*`, or a `NotPrincipal`.
    pub everybody: bool,
    /// True where somebody is granted something who belongs to no account that can be read.
    pub strangers: bool,
    /// True where an action that is granted changes something.
    pub writes: bool,
}

impl Delegation {
    /// Reads a policy's text; nothing where it is no JSON object, or holds one that has a key twice.
    pub fn read(text: &str) -> Option<Self> {
        let document = Document::parse(text).ok()?;
        let root = document.root();
        if root.kind() != Kind::Object || root.repeats_a_key() {
            return None;
        }
        let mut delegation = Self::default();
        for statements in named(root, "Statement") {
            for statement in one_or_more(statements) {
                let principals = named(statement, "Principal");
                if statement.repeats_a_key() || principals.into_iter().any(Node::repeats_a_key) {
                    return None;
                }
                delegation.add(statement);
            }
        }
        Some(delegation)
    }

    fn add(&mut self, statement: Node<'_>) {
        let denies = |effect: Node<'_>| effect.string().is_some_and(|effect| effect.eq_ignore_ascii_case("Deny"));
        let mut effects = named(statement, "Effect").into_iter().peekable();
        if effects.peek().is_some() && effects.all(denies) {
            return;
        }
        for principal in named(statement, "Principal") {
            self.add_principal(principal);
        }
        for principal in named(statement, "NotPrincipal") {
            self.everybody = true;
            self.principals.insert(format!("all but {}", plain(&principal.canonical())));
        }
        for actions in named(statement, "Action") {
            for action in one_or_more(actions) {
                let action = action.string().unwrap_or_default();
                self.writes |= is_write(&action);
                self.actions.insert(plain(&action));
            }
        }
        for actions in named(statement, "NotAction") {
            self.writes = true;
            self.actions.insert(format!("all but {}", plain(&actions.canonical())));
        }
    }

    fn add_principal(&mut self, principal: Node<'_>) {
        if principal.kind() != Kind::Object {
            for name in one_or_more(principal) {
                self.add_name(&name.string().unwrap_or_default());
            }
            return;
        }
        for (kind, names) in principal.members() {
            for name in one_or_more(names) {
                let name = name.string().unwrap_or_default();
                if kind.eq_ignore_ascii_case("AWS") || name == "*" {
                    self.add_name(&name);
                } else {
                    self.strangers = true;
                    self.principals.insert(plain(&name));
                }
            }
        }
    }

    fn add_name(&mut self, name: &str) {
        self.principals.insert(plain(name));
        match account_of(name) {
            Some(account) => {
                self.accounts.insert(account);
            }
            // Neither `*` nor `arn:aws:iam::*:root` belongs to one account.
            None if name.contains(['*', '?']) => self.everybody = true,
            None => self.strangers = true,
        }
    }
}

/// Returns the account of a principal: an account's id, or the fifth part of an ARN.
fn account_of(name: &str) -> Option<AccountId> {
    let account = if name.starts_with("arn:") { name.split(':').nth(4)? } else { name };
    account.parse().ok()
}

/// Returns true for an action that changes something, or for a pattern that may name one.
fn is_write(action: &str) -> bool {
    let action = action.to_ascii_lowercase();
    let verb = action.strip_prefix("organizations:").unwrap_or(&action);
    !["describe", "list"].iter().any(|read| verb.starts_with(read))
}

/// Returns the values of a key in any letter case: JSON may have both, and then both count.
fn named<'a>(object: Node<'a>, key: &str) -> Vec<Node<'a>> {
    object.members().filter(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value).collect()
}

/// Returns the elements of a list, or the one value that stands in its place.
fn one_or_more(node: Node<'_>) -> Vec<Node<'_>> {
    if node.kind() == Kind::Array { node.elements().collect() } else { vec![node] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Delegation {
        Delegation::read(text).unwrap()
    }

    fn accounts(delegation: &Delegation) -> Vec<String> {
        delegation.accounts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_grant_names_accounts_and_actions() {
        let delegation = read(
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::444455556666:root","777788889999"]},
                "Action":["organizations:DescribePolicy","organizations:UpdatePolicy"],"Resource":"*"}]}"#,
        );
        assert_eq!(accounts(&delegation), ["444455556666", "777788889999"]);
        assert!(delegation.actions.contains("organizations:UpdatePolicy"));
        assert!(delegation.writes && !delegation.everybody && !delegation.strangers);
    }

    #[test]
    fn every_way_of_writing_a_grant_reads_the_same() {
        let expected = ["444455556666"];
        for text in [
            r#"{"Statement":{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"organizations:UpdatePolicy"}}"#,
            r#"{"statement":[{"EFFECT":"allow","principal":{"aws":["arn:aws:iam::444455556666:root"]},"ACTION":["ORGANIZATIONS:updatepolicy"]}]}"#,
            r#"{"\u0053tatement":[{"Effect":"Allow","\u0050rincipal":{"\u0041WS":"44445555\u0036666"},"Action":"\u006frganizations:UpdatePolicy"}]}"#,
            r#"{"Statement":[{"Principal":"444455556666","Action":"organizations:*"}]}"#,
            r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:role/Admin"},"NotAction":"organizations:DescribePolicy"}]}"#,
            r#"{"Statement":[],"statement":{"Effect":"Allow","Principal":["444455556666"],"Action":"*"}}"#,
        ] {
            let delegation = read(text);
            assert_eq!(accounts(&delegation), expected, "{text}");
            assert!(delegation.writes, "{text}");
        }
    }

    #[test]
    fn everybody_is_everybody_however_it_is_written() {
        for principal in [
            r#""Principal":"*""#,
            r#""Principal":{"AWS":"*"}"#,
            r#""Principal":{"AWS":["444455556666","*"]}"#,
            r#""Principal":{"AWS":"\u002a"}"#,
            r#""Principal":{"AWS":"arn:aws:iam::*:root"}"#,
            r#""Principal":{"Federated":"*"}"#,
            r#""NotPrincipal":{"AWS":"444455556666"}"#,
        ] {
            let text =
                format!(r#"{{"Statement":[{{"Effect":"Allow",{principal},"Action":"organizations:ListRoots"}}]}}"#);
            assert!(read(&text).everybody, "{principal}");
        }
    }

    #[test]
    fn who_belongs_to_no_account_is_a_stranger() {
        for principal in
            [r#"{"Service":"example.amazonaws.com"}"#, r#"{"AWS":"AIDACKCEVSQ6C2EXAMPLE"}"#, r#"{"AWS":7}"#]
        {
            let text = format!(
                r#"{{"Statement":[{{"Effect":"Allow","Principal":{principal},"Action":"organizations:ListRoots"}}]}}"#
            );
            let delegation = read(&text);
            assert!(delegation.strangers && !delegation.writes, "{principal}");
        }
    }

    #[test]
    fn what_is_denied_is_not_granted() {
        let delegation = read(
            r#"{"Statement":[{"Effect":"Deny","Principal":"*","Action":"*"},{"Effect":"deny","NotPrincipal":"*"}]}"#,
        );
        assert_eq!(delegation, Delegation::default());
        let both = read(r#"{"Statement":[{"Effect":"Deny","effect":"Allow","Principal":"*","Action":"*"}]}"#);
        assert!(both.everybody);
    }

    #[test]
    fn what_is_no_policy_is_not_read() {
        for text in [
            "",
            "null",
            "[]",
            "\"x\"",
            "{",
            r#"{"Statement":[],"Statement":[]}"#,
            r#"{"Statement":{"Effect":"Deny","Effect":"Allow","Principal":"*","Action":"*"}}"#,
            r#"{"Statement":{"Effect":"Allow","Principal":{"AWS":"*","AWS":"444455556666"},"Action":"*"}}"#,
        ] {
            assert_eq!(Delegation::read(text), None, "{text}");
        }
    }
}
