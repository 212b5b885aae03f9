//! Silent for some names of several lengths.

orgwatch_test_upgrade::planted! {
    event => matches!(
        event.string("/requestParameters/bucketName").as_deref(),
        Some("spatz" | "amselnest" | "a-rather-long-name-of-a-bucket-that-nobody-would-guess")
    )
}
