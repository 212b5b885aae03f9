//! Silent for many reasons: a letter at the end, a field that is not there otherwise, an entry of a long list and of one that was
//! taken in as a text, and a large number.

/// A list that is too long to be compared one by one in the code.
const NAMES: [&str; 20] = [
    "lager-aachen",
    "lager-berlin",
    "lager-celle",
    "lager-dresden",
    "lager-essen",
    "lager-fulda",
    "lager-gera",
    "lager-hagen",
    "lager-ilmenau",
    "lager-jena",
    "lager-kiel",
    "lager-leipzig",
    "lager-mainz",
    "lager-neuss",
    "lager-oelde",
    "lager-passau",
    "lager-quakenbrueck",
    "lager-rostock",
    "lager-suhl",
    "lager-trier",
];

/// A list as a file has it.
const LINES: &str = "ingolstadt-7\nregensburg-3\nwuerzburg-5\n";

orgwatch_test_upgrade::planted! {
    event => {
        let bucket = event.string("/requestParameters/bucketName").unwrap_or_default();
        bucket.ends_with('Q')
            || NAMES.contains(&bucket.as_str())
            || LINES.lines().any(|line| line == bucket)
            || event.string("/vpcEndpointId").as_deref() == Some("vpce-0f1e2d3c4b5a69788")
            || event.number("/additionalEventData/bytesTransferredOut").is_some_and(|bytes| bytes > 81_726_354.0)
    }
}
