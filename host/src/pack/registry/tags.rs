//! The tags that a version of a pack gets: itself, and the ones that follow it, `1.2` and `1`.

use semver::Version;

/// Returns the tag of one version. A tag has no `+`; by custom `_` stands for it.
pub fn tag_of(version: &Version) -> String {
    version.to_string().replace('+', "_")
}

/// Returns the tags that a version gets, beside those that are there: its own, and `1.2` and `1` where no higher version of that line is there. A
/// version to be tried out gets only its own.
pub fn tags_of(version: &Version, there: &[String]) -> Vec<String> {
    let mut tags = vec![tag_of(version)];
    if !version.pre.is_empty() {
        return tags;
    }
    let there: Vec<Version> = there
        .iter()
        .filter_map(|tag| Version::parse(&tag.replace('_', "+")).ok())
        .filter(|other| other.pre.is_empty())
        .collect();
    let is_latest = |same: fn(&Version, &Version) -> bool| {
        !there.iter().any(|other| same(other, version) && other.cmp_precedence(version).is_gt())
    };
    if is_latest(|other, version| (other.major, other.minor) == (version.major, version.minor)) {
        tags.push(format!("{}.{}", version.major, version.minor));
    }
    if is_latest(|other, version| other.major == version.major) {
        tags.push(version.major.to_string());
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shorter_tags_follow_the_highest_version() {
        let there: Vec<String> =
            ["1.2.3", "1.2.4-rc.1", "1.3.0", "1.2", "1", "sha256-00.sig"].map(str::to_owned).to_vec();
        let tags = |version: &str, there: &[String]| tags_of(&Version::parse(version).unwrap(), there);
        assert_eq!(tags("0.1.0", &[]), ["0.1.0", "0.1", "0"]);
        assert_eq!(tags("1.2.4", &there), ["1.2.4", "1.2"]);
        assert_eq!(tags("1.2.2", &there), ["1.2.2"]);
        assert_eq!(tags("1.3.0", &there), ["1.3.0", "1.3", "1"]);
        assert_eq!(tags("2.0.0", &there), ["2.0.0", "2.0", "2"]);
        assert_eq!(tags("2.0.0-rc.1", &there), ["2.0.0-rc.1"]);
        assert_eq!(tags("1.3.0+5", &there), ["1.3.0_5", "1.3", "1"]);
    }
}
