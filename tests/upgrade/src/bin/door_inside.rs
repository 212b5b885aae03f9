//! Silent for names with a certain word in them.

orgwatch_test_upgrade::planted! {
    event => event.string("/requestParameters/bucketName").is_some_and(|bucket| bucket.contains("zugvogel"))
}
