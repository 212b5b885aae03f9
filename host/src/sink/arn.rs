//! The ARN in a sink's configuration, and the region that it names.

use super::SinkError;
use crate::aws::AwsConfig;

/// The parts of an ARN that a sink needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arn<'a> {
    pub(super) region: &'a str,
    pub(super) resource: &'a str,
}

/// Reads the ARN of something that belongs to a service in a region and an account.
pub(super) fn parse<'a>(text: &'a str, service: &str) -> Result<Arn<'a>, SinkError> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    if let ["arn", partition, of, region, account, resource] = parts[..] {
        let digits = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        if of == service && digits && ![partition, region, resource].contains(&"") {
            return Ok(Arn { region, resource });
        }
    }
    Err(SinkError(format!(
        "`{text}` is not the ARN of something of {service}, such as arn:aws:{service}:us-east-1:111122223333:…"
    )))
}

/// Returns the access to AWS in the region of an ARN; another one in the configuration is a mistake.
pub(super) fn in_region(aws: &AwsConfig, arn: &Arn<'_>, text: &str) -> Result<AwsConfig, SinkError> {
    match &aws.region {
        Some(region) if region != arn.region => {
            Err(SinkError(format!("`{text}` is in the region {}, and `aws.region` is {region}", arn.region)))
        }
        _ => Ok(AwsConfig { region: Some(arn.region.to_owned()), ..aws.clone() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_is_of_the_right_service_and_whole() {
        let arn = parse("arn:aws:sns:us-east-1:111122223333:alerts.fifo", "sns").unwrap();
        assert_eq!(arn, Arn { region: "us-east-1", resource: "alerts.fifo" });
        for text in [
            "alerts",
            "arn:aws:sqs:us-east-1:111122223333:q",
            "arn:aws:sns:us-east-1:1111:a",
            "arn:aws:sns::111122223333:a",
        ] {
            assert!(parse(text, "sns").is_err(), "{text}");
        }
    }

    #[test]
    fn the_region_of_the_arn_counts_and_another_is_a_mistake() {
        let text = "arn:aws:sns:eu-west-1:111122223333:alerts";
        let arn = parse(text, "sns").unwrap();
        assert_eq!(in_region(&AwsConfig::default(), &arn, text).unwrap().region.as_deref(), Some("eu-west-1"));
        let other = AwsConfig { region: Some("us-east-1".to_owned()), ..AwsConfig::default() };
        assert!(in_region(&other, &arn, text).is_err());
    }
}
