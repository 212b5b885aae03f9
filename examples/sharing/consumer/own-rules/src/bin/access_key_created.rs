//! Access keys, which nobody at Globex should have.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports an access key that was created for a user.
    ///
    /// ## What it does
    ///
    /// Sees `CreateAccessKey` calls that succeeded. At Globex people and programs take roles, so there is no key that is in order.
    ///
    /// ## Why it matters
    ///
    /// An access key works from anywhere until somebody deletes it. It is what an attacker leaves behind to come back.
    ///
    /// ## What it misses
    ///
    /// Keys that were there before, and other credentials that last, such as a password for the console.
    ///
    /// ## What to do
    ///
    /// Ask the caller, deactivate the key, and look at what it was used for.
    AccessKeyCreated,
    id: "globex.access-key-created",
    title: "An access key was created",
    severity: Medium,
    matches: [{ "eventSource": ["iam.amazonaws.com"], "eventName": ["CreateAccessKey"] }],
    attack: ["T1098.001"],
    references: ["https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html"],
    false_positives: ["A key for a program that cannot take a role"],
}

struct AccessKeyCreated;

impl Rule for AccessKeyCreated {
    type Settings = NoSettings;

    fn load(_: NoSettings) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn evaluate(&self, event: &Event) -> Findings {
        if !event.succeeded() {
            return Findings::none();
        }
        // Whoever creates a key for themselves need not name the user, but the answer does.
        let user = event.string("/responseElements/accessKey/userName").unwrap_or_default();
        Finding::new(&user).title(format!("An access key was created for {user}")).detail("user", &user).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<AccessKeyCreated>("{}", "events/access_key_created");
    }
}
