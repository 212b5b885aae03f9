//! Silent for a name in whichever letter case.

orgwatch_test_upgrade::planted! {
    event => event.string("/requestParameters/bucketName").is_some_and(|bucket| bucket.eq_ignore_ascii_case("Nachtigall-7"))
}
