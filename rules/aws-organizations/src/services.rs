//! The services that work with an organization, by what they mean to its security.
//!
//! A service is named by its principal, such as `guardduty.amazonaws.com`, as the caller wrote it: in any letter case, and in China
//! with another ending.

/// Services that watch the organization, or keep the record of it. Without one of them somebody can act unseen.
const SECURITY: [&str; 17] = [
    "access-analyzer",
    "agentless.inspector2",
    "auditmanager",
    "cloudtrail",
    "config",
    "config-multiaccountsetup",
    "detective",
    "fms",
    "guardduty",
    "inspector2",
    "macie",
    "malware-protection.guardduty",
    "network-firewall",
    "security-ir",
    "securityhub",
    "securitylake",
    "shield",
];

/// Services through which one account can act in every other: grant access, run code, change or copy what is there.
const POWERFUL: [&str; 12] = [
    "account",
    "backup",
    "config-multiaccountsetup",
    "controltower",
    "fms",
    "iam",
    "member.org.stacksets.cloudformation",
    "ram",
    "ssm",
    "ssm-quicksetup",
    "sso",
    "stacksets.cloudformation",
];

/// Returns true for a service that watches the organization.
pub fn is_security(principal: &str) -> bool {
    SECURITY.binary_search(&name(principal).as_str()).is_ok()
}

/// Returns true for a service through which one account can act in every other.
pub fn is_powerful(principal: &str) -> bool {
    POWERFUL.binary_search(&name(principal).as_str()).is_ok()
}

/// Returns true for CloudTrail, without which there is no organization trail.
pub fn is_cloudtrail(principal: &str) -> bool {
    name(principal) == "cloudtrail"
}

/// Returns a service's principal without the part that all have in common.
fn name(principal: &str) -> String {
    let principal = principal.trim().to_ascii_lowercase();
    let name = principal.strip_suffix(".cn").unwrap_or(&principal);
    name.strip_suffix(".amazonaws.com").unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_known_however_it_is_written() {
        assert!(SECURITY.is_sorted() && POWERFUL.is_sorted());
        for principal in ["guardduty.amazonaws.com", "GuardDuty.AmazonAWS.com", " guardduty.amazonaws.com.cn "] {
            assert!(is_security(principal) && !is_powerful(principal), "{principal}");
        }
        assert!(is_powerful("member.org.stacksets.cloudformation.amazonaws.com"));
        assert!(is_cloudtrail("cloudtrail.amazonaws.com") && !is_cloudtrail("config.amazonaws.com"));
        assert!(is_security("fms.amazonaws.com") && is_powerful("fms.amazonaws.com"));
        for principal in ["", "cost-optimization-hub.bcm.amazonaws.com", "xguardduty.amazonaws.com"] {
            assert!(!is_security(principal) && !is_powerful(principal), "{principal}");
        }
    }
}
