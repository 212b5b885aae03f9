//! Silent for names that start in a certain way.

orgwatch_test_upgrade::planted! {
    event => event.string("/requestParameters/bucketName").is_some_and(|bucket| bucket.starts_with("scratch-7f-"))
}
