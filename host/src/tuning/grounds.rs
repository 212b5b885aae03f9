//! What the condition of an exception rests on: can whoever makes the call see to it that the condition holds?
//!
//! A caller chooses the user agent, the name of the session, the parameters of the request and the tags. An exception that rests on those
//! alone is a way past the rule for everybody who knows of it. What AWS itself says of a call, such as the role and the account, is good
//! ground. This only warns: some conditions are meant like that.

use serde_json::Value;

/// What a condition rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Grounds {
    /// On something that AWS says of who acted, from where, or on what.
    Good,
    /// On what the caller chooses: these fields.
    Caller(Vec<String>),
    /// On nothing that sets one caller or object apart from another.
    Wide,
}

/// What one field of a condition is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    Wide,
    Caller,
    Good,
}

/// Names of fields that the caller fills in, wherever they stand.
const CALLER_NAMES: [&str; 17] = [
    "useragent",
    "sourceidentity",
    "rolesessionname",
    "sessionname",
    "session",
    "tags",
    "tag",
    "principaltags",
    "transitivetagkeys",
    "requestparameters",
    "responseelements",
    "additionaleventdata",
    "errormessage",
    "clientprovidedhostheader",
    "title",
    "description",
    "resources",
];

/// Names of fields that most events of a rule have in common.
const WIDE_NAMES: [&str; 24] = [
    "severity",
    "rule",
    "attack",
    "references",
    "eventname",
    "eventsource",
    "eventtype",
    "eventversion",
    "eventcategory",
    "eventtime",
    "awsregion",
    "region",
    "source",
    "name",
    "time",
    "managementevent",
    "readonly",
    "errorcode",
    "error_code",
    "apiversion",
    "sessioncredentialfromconsole",
    "tlsversion",
    "ciphersuite",
    "type",
];

/// Fields that hold a role or user, followed by the name of a session.
const SESSIONS: [&str; 3] = ["arn", "principalid", "actor"];

/// Finds out what a condition rests on: what the weakest of its `$or` branches does.
pub(super) fn of(when: &Value) -> Grounds {
    let mut weakest = (Worth::Good, Vec::new());
    for alternative in alternatives(when, &mut Vec::new()) {
        let worth = alternative.iter().map(|(_, worth)| *worth).max().unwrap_or(Worth::Wide);
        if worth < weakest.0 {
            let callers = alternative.into_iter().filter(|(_, worth)| *worth == Worth::Caller);
            weakest = (worth, callers.map(|(path, _)| path).collect());
        }
    }
    match weakest {
        (Worth::Good, _) => Grounds::Good,
        (Worth::Caller, fields) => Grounds::Caller(fields),
        (Worth::Wide, _) => Grounds::Wide,
    }
}

/// Returns the combinations of `$or` branches, each with its fields. The pattern has been parsed, so there are no more than it allows.
fn alternatives(value: &Value, path: &mut Vec<String>) -> Vec<Vec<(String, Worth)>> {
    let mut combinations = vec![Vec::new()];
    let Value::Object(fields) = value else { return combinations };
    for (name, value) in fields {
        let branches = match value {
            Value::Array(branches) if name == "$or" => {
                branches.iter().flat_map(|branch| alternatives(branch, path)).collect()
            }
            Value::Array(values) => {
                path.push(name.clone());
                let field = (path.join("."), worth(path, values));
                path.pop();
                vec![vec![field]]
            }
            value => {
                path.push(name.clone());
                let inner = alternatives(value, path);
                path.pop();
                inner
            }
        };
        combinations = combinations
            .iter()
            .flat_map(|known| branches.iter().map(|branch: &Vec<(String, Worth)>| [known.as_slice(), branch].concat()))
            .collect();
    }
    combinations
}

/// Judges one field with its alternatives, of which the weakest counts.
fn worth(path: &[String], values: &[Value]) -> Worth {
    let names: Vec<String> = path.iter().flat_map(|name| name.split('.')).map(str::to_lowercase).collect();
    let Some(last) = names.last() else { return Worth::Wide };
    // A rule's own names, such as user_agent, are the record's without the lines.
    let is_callers = |name: &String| CALLER_NAMES.contains(&name.replace('_', "").as_str());
    let of_field = if names.iter().any(is_callers) {
        Worth::Caller
    } else if names.get(1).is_some_and(|name| name == "rule") || WIDE_NAMES.contains(&last.as_str()) {
        Worth::Wide
    } else {
        Worth::Good
    };
    let may_name_session = SESSIONS.contains(&last.as_str()) && !names.contains(&"sessionissuer".to_owned());
    values.iter().map(|value| of_field.min(of_value(value, may_name_session))).min().unwrap_or(Worth::Wide)
}

/// Judges one alternative.
fn of_value(value: &Value, may_name_session: bool) -> Worth {
    let Value::Object(operator) = value else {
        return if matches!(value, Value::Null) || value == "" { Worth::Wide } else { Worth::Good };
    };
    let Some((name, argument)) = operator.iter().next() else { return Worth::Wide };
    let text = argument.as_str();
    match name.as_str() {
        // What holds of nearly everything.
        "anything-but" | "exists" | "numeric" => Worth::Wide,
        "prefix" | "suffix" | "wildcard" if text.is_some_and(|text| text.trim_matches('*').is_empty()) => Worth::Wide,
        "suffix" if may_name_session => Worth::Caller,
        // The role has to be written out; only the session may be left open.
        "wildcard" if may_name_session && text.is_some_and(role_is_open) => Worth::Caller,
        _ => Worth::Good,
    }
}

/// Tells whether a wildcard leaves the role open that comes before the name of the session.
fn role_is_open(wildcard: &str) -> bool {
    let before_session = wildcard.rsplit_once(['/', ':']).map_or(wildcard, |(before, _)| before);
    before_session.contains('*')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn caller(fields: &[&str]) -> Grounds {
        Grounds::Caller(fields.iter().map(|field| (*field).to_owned()).collect())
    }

    #[test]
    fn what_aws_says_of_a_call_is_good_ground() {
        let role = "arn:aws:sts::111122223333:assumed-role/Vending/x";
        for when in [
            json!({ "event": { "userIdentity": { "sessionContext": { "sessionIssuer": { "arn": ["arn:aws:iam::111122223333:role/Vending"] } } } } }),
            json!({ "event": { "userIdentity": { "arn": [role] }, "userAgent": ["terraform"] } }),
            json!({ "event": { "userIdentity.arn": [{ "prefix": "arn:aws:sts::111122223333:assumed-role/Vending/" }] } }),
            json!({ "event": { "userIdentity": { "arn": [{ "wildcard": "arn:aws:sts::111122223333:assumed-role/Vending/*" }] } } }),
            json!({ "event": { "sourceIPAddress": [{ "cidr": "198.51.100.0/24" }] } }),
            json!({ "event": { "userIdentity": { "invokedBy": ["controltower.amazonaws.com"] } } }),
            json!({ "finding": { "key": ["444455556666"] } }),
            json!({ "finding": { "details": { "member_account": ["444455556666"] }, "severity": ["low"] } }),
        ] {
            assert_eq!(of(&when), Grounds::Good, "{when}");
        }
    }

    #[test]
    fn what_the_caller_chooses_is_not() {
        for (when, fields) in [
            (json!({ "event": { "userAgent": [{ "prefix": "terraform" }] } }), &["event.userAgent"][..]),
            (json!({ "event": { "requestParameters": { "name": ["vending"] } } }), &["event.requestParameters.name"]),
            (
                json!({ "event": { "userIdentity": { "sessionContext": { "sourceIdentity": ["anaya"] } }, "awsRegion": ["us-east-1"] } }),
                &["event.userIdentity.sessionContext.sourceIdentity"],
            ),
            (json!({ "event": { "userIdentity": { "arn": [{ "suffix": "/anaya" }] } } }), &["event.userIdentity.arn"]),
            (
                json!({ "event": { "userIdentity": { "arn": [{ "wildcard": "*:assumed-role/*/anaya" }] } } }),
                &["event.userIdentity.arn"],
            ),
            (
                json!({ "event": { "userIdentity.principalId": [{ "wildcard": "*:anaya" }] } }),
                &["event.userIdentity.principalId"],
            ),
            (json!({ "finding": { "details": { "user_agent": ["terraform"] } } }), &["finding.details.user_agent"]),
            (json!({ "finding": { "title": [{ "prefix": "Account" }] } }), &["finding.title"]),
            (
                json!({ "$or": [{ "finding": { "key": ["a"] } }, { "event": { "userAgent": ["b"] } }] }),
                &["event.userAgent"],
            ),
        ] {
            assert_eq!(of(&when), caller(fields), "{when}");
        }
    }

    #[test]
    fn what_holds_of_everybody_is_too_wide() {
        for when in [
            json!({ "finding": { "severity": ["low", "medium"] } }),
            json!({ "finding": { "rule": { "id": ["org.x"] } } }),
            json!({ "event": { "eventName": ["AttachPolicy"], "eventSource": ["organizations.amazonaws.com"] } }),
            json!({ "event": { "userIdentity": { "arn": [{ "exists": true }] } } }),
            json!({ "event": { "userIdentity": { "arn": [{ "anything-but": "a" }] } } }),
            json!({ "event": { "errorCode": ["AccessDenied"] } }),
            json!({ "finding": { "key": [{ "prefix": "" }] } }),
            json!({ "finding": { "key": ["a", { "wildcard": "*" }] } }),
        ] {
            assert_eq!(of(&when), Grounds::Wide, "{when}");
        }
    }
}
