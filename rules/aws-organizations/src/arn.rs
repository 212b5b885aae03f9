//! Names of AWS resources, for settings that name the resources to watch and for the records that name them in other ways.

/// An ARN taken apart: `arn:aws:sqs:us-east-1:111122223333:orgwatch`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arn {
    /// The service's short name, such as `sqs`.
    pub service: String,
    /// The Region; empty for a global resource.
    pub region: String,
    /// The account; empty for a bucket.
    pub account: String,
    /// What is left, such as `trail/organization`.
    pub resource: String,
}

impl Arn {
    /// Reads an ARN; nothing where a part of it is missing.
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, service, region, account, resource] = parts[..] else {
            return None;
        };
        let complete = partition.starts_with("aws") && !service.is_empty() && !resource.is_empty();
        complete.then(|| Self {
            service: service.to_owned(),
            region: region.to_owned(),
            account: account.to_owned(),
            resource: resource.to_owned(),
        })
    }

    /// Returns the resource's name without the kind in front of it: `organization` of `trail/organization`.
    pub fn name(&self) -> &str {
        self.resource.rsplit_once('/').map_or(&self.resource, |(_, name)| name)
    }

    /// Reads an ARN of the settings, of one service and with a resource that begins in one way.
    ///
    /// # Errors
    ///
    /// Says what is wrong, for the person who wrote the settings.
    pub fn of_setting(setting: &str, text: &str, service: &str, prefix: &str) -> Result<Self, String> {
        let arn = Self::parse(text).filter(|arn| arn.service == service && arn.resource.starts_with(prefix));
        let arn = arn.filter(|arn| !arn.region.is_empty() && arn.account.len() == 12 && !arn.name().is_empty());
        let example = format!("arn:aws:{service}:us-east-1:111122223333:{prefix}example");
        arn.ok_or_else(|| format!("\"{setting}\" lists {text:?}, which is no ARN such as {example:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_has_its_parts() {
        let arn = Arn::parse("arn:aws:cloudtrail:us-east-1:111122223333:trail/organization").unwrap();
        assert_eq!(
            (arn.service.as_str(), arn.account.as_str(), arn.name()),
            ("cloudtrail", "111122223333", "organization")
        );
        let topic = Arn::parse("arn:aws:sns:us-east-1:111122223333:orgwatch:1c2d3e4f").unwrap();
        assert_eq!(topic.resource, "orgwatch:1c2d3e4f");
        assert_eq!(Arn::parse("arn:aws:s3:::example-logs").unwrap().name(), "example-logs");
        for wrong in ["", "organization", "arn:aws:sqs", "arn:aws:sqs:us-east-1:111122223333:", "x:aws:sqs:a:b:c"] {
            assert_eq!(Arn::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_setting_that_names_something_else_is_refused_with_an_example() {
        assert!(Arn::of_setting("queues", "arn:aws:sqs:us-east-1:111122223333:orgwatch", "sqs", "").is_ok());
        for wrong in ["orgwatch", "arn:aws:sns:us-east-1:111122223333:orgwatch", "arn:aws:sqs::111122223333:orgwatch"] {
            let refusal = Arn::of_setting("queues", wrong, "sqs", "").unwrap_err();
            assert_eq!(
                refusal,
                format!(
                    "\"queues\" lists {wrong:?}, which is no ARN such as \"arn:aws:sqs:us-east-1:111122223333:example\""
                )
            );
        }
    }
}
