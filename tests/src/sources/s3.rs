//! The source `s3`.

use serde_json::Value;

use super::{expect, key};
use crate::live::Live;
use crate::records;
use crate::servers::{Amazon, Server};

#[test]
fn the_files_of_the_days_asked_for_are_read_and_those_that_come_later() {
    let moto = Server::moto();
    let amazon = Amazon::at(moto.url());
    amazon.bucket("trail");
    let records: Vec<Value> = (0..6).map(records::policy_detached).collect();
    let file = |record: &Value| records::gzip(records::file(std::slice::from_ref(record)));
    let [one, other] = ["111122223333", "444455556666"];
    let organization =
        |account: &str, day: &str, name: &str| key("logs/", account, day, name).replace("AWSLogs/", "AWSLogs/o-ex1a/");
    amazon.put("trail", &organization(one, "2026/10/05", "a"), file(&records[0]));
    amazon.put("trail", &organization(one, "2026/10/06", "b"), file(&records[1]));
    amazon.put("trail", &organization(one, "2026/10/04", "early"), file(&records[4]));
    amazon.put("trail", &organization(one, "2026/10/05", "d").replace("CloudTrail", "CloudTrail-Digest"), "{}");
    amazon.put("trail", "logs/AWSLogs/notes.txt", "nothing of CloudTrail's");
    let url = moto.url();
    let configuration = format!(
        "[[source]]\nkind = \"s3\"\nname = \"trail\"\nbucket = \"trail\"\nprefix = \"logs/\"\nsince = \"2026-10-05T00:00:00Z\"\n\
         every = \"1s\"\naws.region = \"us-east-1\"\naws.endpoint = \"{url}\"\n"
    );
    let live = Live::start(&configuration);
    assert_eq!(expect(&live, &[&records[0], &records[1]]), Vec::<Value>::new());
    amazon.put("trail", &organization(one, "2026/10/06", "0-comes-later-and-sorts-before"), file(&records[2]));
    expect(&live, &[&records[2]]);
    // A file of an account that the records in it do not name is read all the same, and reported.
    amazon.put("trail", &organization(other, "2026/10/07", "c"), file(&records[3]));
    let before = expect(&live, &[&records[3]]);
    super::condition(&live, "orgwatch.account-mismatch", before);
    let (code, told, folder) = live.stop();
    assert_eq!(code, 0, "{told}");

    amazon.put("trail", &organization(one, "2026/10/08", "e"), file(&records[5]));
    let live = Live::start_in(folder, &configuration);
    expect(&live, &[&records[5]]);
}
