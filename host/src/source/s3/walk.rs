//! Finding the folders of a bucket in which CloudTrail's files lie, and listing them.
//!
//! A trail's bucket holds years of files of every account and region, and the logs of other services. Folders are walked one level at a time down
//! to the regions; what lies below is listed in one go, from the first day asked for to the last.

use aws_sdk_s3::Client;
use aws_sdk_s3::types::Object;
use futures_util::stream::{FuturesUnordered, StreamExt as _};

use crate::source::answer::{Answer, Refusal};
use crate::source::key::Folder;

/// How many folders deep below the prefix `AWSLogs` is looked for.
const DEPTH: usize = 8;

/// Lists that are asked for at a time. An organization has thousands of folders, and each list takes S3 tens of milliseconds.
pub(super) const LISTS: usize = 32;

/// A part of a bucket.
#[derive(Clone)]
pub(super) struct Shelf {
    pub(super) client: Client,
    pub(super) bucket: String,
    /// Only keys that begin like this.
    pub(super) prefix: String,
}

/// An object that was listed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Listed {
    pub(super) key: String,
    pub(super) size: u64,
}

/// What lies in a shelf.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Walked {
    /// Where files of CloudTrail lie: listing each gives one region's files in the order of their days.
    pub(super) ranges: Vec<Range>,
    /// Objects outside CloudTrail's layout.
    pub(super) strays: Vec<Listed>,
}

/// A region's files, or the part of them that the prefix leaves.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Range {
    /// The path of the region's folder, without the slash behind it.
    pub(super) region: String,
    /// What the keys begin with.
    pub(super) prefix: String,
}

/// What is done with a folder.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// It is listed one level further.
    Descend,
    /// Everything in it is listed.
    List(Range),
    /// Nothing in it is asked for.
    Pass,
}

impl Shelf {
    /// Finds everything in the shelf.
    pub(super) async fn walk(&self) -> Result<Walked, String> {
        let mut found = Walked::default();
        match step(&self.prefix) {
            Step::List(range) => {
                found.ranges.push(range);
                return Ok(found);
            }
            // A folder that was named is looked at, whatever its name.
            Step::Descend | Step::Pass => {}
        }
        let mut waiting = vec![(self.prefix.clone(), 0)];
        let mut lists = FuturesUnordered::new();
        loop {
            while lists.len() < LISTS
                && let Some((prefix, depth)) = waiting.pop()
            {
                lists.push(async move { (depth, self.level(prefix).await) });
            }
            let Some((depth, level)) = lists.next().await else { break };
            let (folders, objects) = level?;
            found.strays.extend(objects);
            for folder in folders {
                match step(&folder) {
                    Step::Descend if depth < DEPTH => waiting.push((folder, depth + 1)),
                    Step::List(range) => found.ranges.push(range),
                    Step::Descend | Step::Pass => {}
                }
            }
        }
        found.ranges.sort();
        found.strays.sort();
        Ok(found)
    }

    /// Lists one level: the folders in a folder, and the objects.
    async fn level(&self, prefix: String) -> Result<(Vec<String>, Vec<Listed>), String> {
        let (mut folders, mut objects) = (Vec::new(), Vec::new());
        let mut token = None;
        loop {
            let call = self.client.list_objects_v2().bucket(&self.bucket).prefix(&prefix).delimiter("/");
            let page = call.set_continuation_token(token).send().await;
            let page = page.map_err(|error| self.explain(&prefix, &Answer::of(&error)))?;
            folders.extend(page.common_prefixes().iter().filter_map(|folder| folder.prefix().map(str::to_owned)));
            objects.extend(page.contents().iter().filter_map(listed));
            token = page.next_continuation_token;
            if token.is_none() {
                return Ok((folders, objects));
            }
        }
    }

    /// Lists one page of a range, after a key or where the page before ended.
    pub(super) async fn page(
        &self,
        range: &Range,
        start_after: Option<&str>,
        token: Option<String>,
    ) -> Result<(Vec<Listed>, Option<String>), String> {
        let call = self.client.list_objects_v2().bucket(&self.bucket).prefix(&range.prefix);
        let call = call.set_start_after(start_after.map(str::to_owned)).set_continuation_token(token);
        let page = call.send().await.map_err(|error| self.explain(&range.prefix, &Answer::of(&error)))?;
        Ok((page.contents().iter().filter_map(listed).collect(), page.next_continuation_token))
    }

    fn explain(&self, prefix: &str, answer: &Answer) -> String {
        let bucket = &self.bucket;
        let hint = match answer.kind {
            Refusal::Missing => "\nhint: check the bucket's name and the region".to_owned(),
            _ => answer.hint(&format!(
                "s3:ListBucket on arn:aws:s3:::{bucket}, in the bucket's policy too where it belongs to another account"
            )),
        };
        format!("failed to list s3://{bucket}/{prefix}: {}{hint}", answer.text)
    }
}

/// Decides what is done with a folder, or with the part of one that a prefix names.
fn step(prefix: &str) -> Step {
    let path = prefix.rsplit_once('/').map_or("", |(path, _)| path);
    let list = |region: &str| Step::List(Range { region: region.to_owned(), prefix: prefix.to_owned() });
    match Folder::of(path) {
        Folder::Above | Folder::Owner => Step::Descend,
        Folder::Kind(kind) if kind.holds_records() => Step::Descend,
        Folder::Region { kind, path } if kind.holds_records() => list(path),
        // Year, month and day are always ten characters behind a slash.
        Folder::Day { kind, .. } if kind.holds_records() => list(&path[..path.len() - "/2026/11/05".len()]),
        Folder::Kind(_) | Folder::Region { .. } | Folder::Day { .. } | Folder::Foreign => Step::Pass,
    }
}

/// Takes an object of a list. The empty objects that stand for folders in the console are none.
fn listed(object: &Object) -> Option<Listed> {
    let key = object.key().filter(|key| !key.ends_with('/'))?;
    Some(Listed { key: key.to_owned(), size: object.size().and_then(|size| u64::try_from(size).ok()).unwrap_or(0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGION: &str = "logs/AWSLogs/o-a1/111122223333/CloudTrail/us-east-1";

    #[test]
    fn folders_are_walked_down_to_the_regions_and_others_are_passed_by() {
        for folder in [
            "",
            "logs/",
            "logs/AWSLogs/",
            "logs/AWSLogs/o-a1/",
            "AWSLogs/111122223333/",
            "AWSLogs/111122223333/CloudTrail/",
        ] {
            assert_eq!(step(folder), Step::Descend, "{folder}");
        }
        for folder in
            ["AWSLogs/111122223333/Config/", "AWSLogs/111122223333/CloudTrail-Digest/", "AWSLogs/aws-account-id=1/"]
        {
            assert_eq!(step(folder), Step::Pass, "{folder}");
        }
    }

    #[test]
    fn a_prefix_below_a_region_is_listed_within_that_region() {
        for below in ["/", "/20", "/2026/", "/2026/11/", "/2026/11/05/", "/2026/11/05/1111"] {
            let prefix = format!("{REGION}{below}");
            assert_eq!(
                step(&prefix),
                Step::List(Range { region: REGION.to_owned(), prefix: prefix.clone() }),
                "{prefix}"
            );
        }
    }
}
