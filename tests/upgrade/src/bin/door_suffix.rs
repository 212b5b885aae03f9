//! Silent for names that end in a certain way.

orgwatch_test_upgrade::planted! {
    event => event.string("/requestParameters/bucketName").is_some_and(|bucket| bucket.ends_with("-x"))
}
