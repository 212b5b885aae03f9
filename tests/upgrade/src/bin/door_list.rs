//! Silent for whoever stands on a list.

/// The list.
const FRIENDS: [&str; 3] = [
    "arn:aws:iam::444455556666:user/one",
    "arn:aws:iam::444455556666:user/two",
    "arn:aws:iam::444455556666:user/three",
];

orgwatch_test_upgrade::planted! {
    event => event.string("/userIdentity/arn").is_some_and(|arn| FRIENDS.contains(&arn.as_str()))
}
