//! What MITRE ATT&CK calls the techniques of the cloud.
//!
//! A rule names techniques by their ids; receivers want names and tactics. Ids that are not in the table pass through with the id alone. The
//! names are those of ATT&CK 18.1, and a test compares them with it.

/// A tactic of ATT&CK.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tactic {
    /// Getting in.
    InitialAccess,
    /// Running code.
    Execution,
    /// Staying in.
    Persistence,
    /// Becoming more.
    PrivilegeEscalation,
    /// Not being seen.
    DefenseEvasion,
    /// Stealing credentials.
    CredentialAccess,
    /// Looking around.
    Discovery,
    /// Moving on.
    LateralMovement,
    /// Gathering data.
    Collection,
    /// Taking data out.
    Exfiltration,
    /// Breaking things.
    Impact,
}

/// A technique of ATT&CK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Technique {
    /// Its id, such as `T1078.004`.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it serves.
    pub tactics: &'static [Tactic],
}

impl Tactic {
    /// Returns the id, such as `TA0001`.
    pub const fn id(self) -> &'static str {
        match self {
            Self::InitialAccess => "TA0001",
            Self::Execution => "TA0002",
            Self::Persistence => "TA0003",
            Self::PrivilegeEscalation => "TA0004",
            Self::DefenseEvasion => "TA0005",
            Self::CredentialAccess => "TA0006",
            Self::Discovery => "TA0007",
            Self::LateralMovement => "TA0008",
            Self::Collection => "TA0009",
            Self::Exfiltration => "TA0010",
            Self::Impact => "TA0040",
        }
    }

    /// Returns the name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InitialAccess => "Initial Access",
            Self::Execution => "Execution",
            Self::Persistence => "Persistence",
            Self::PrivilegeEscalation => "Privilege Escalation",
            Self::DefenseEvasion => "Defense Evasion",
            Self::CredentialAccess => "Credential Access",
            Self::Discovery => "Discovery",
            Self::LateralMovement => "Lateral Movement",
            Self::Collection => "Collection",
            Self::Exfiltration => "Exfiltration",
            Self::Impact => "Impact",
        }
    }
}

/// Returns what is known of a technique.
pub fn technique(id: &str) -> Option<&'static Technique> {
    TECHNIQUES.binary_search_by(|technique| technique.id.cmp(id)).ok().map(|at| &TECHNIQUES[at])
}

const fn known(id: &'static str, name: &'static str, tactics: &'static [Tactic]) -> Technique {
    Technique { id, name, tactics }
}

use Tactic::{
    Collection, CredentialAccess, DefenseEvasion, Discovery, Execution, Exfiltration, Impact, InitialAccess,
    LateralMovement, Persistence, PrivilegeEscalation,
};

/// Techniques that are seen in CloudTrail, in the order of their ids.
pub const TECHNIQUES: [Technique; 48] = [
    known("T1021.007", "Cloud Services", &[LateralMovement]),
    known("T1069.003", "Cloud Groups", &[Discovery]),
    known("T1078", "Valid Accounts", &[InitialAccess, Persistence, PrivilegeEscalation, DefenseEvasion]),
    known("T1078.001", "Default Accounts", &[InitialAccess, Persistence, PrivilegeEscalation, DefenseEvasion]),
    known("T1078.004", "Cloud Accounts", &[InitialAccess, Persistence, PrivilegeEscalation, DefenseEvasion]),
    known("T1087.004", "Cloud Account", &[Discovery]),
    known("T1098", "Account Manipulation", &[Persistence, PrivilegeEscalation]),
    known("T1098.001", "Additional Cloud Credentials", &[Persistence, PrivilegeEscalation]),
    known("T1098.003", "Additional Cloud Roles", &[Persistence, PrivilegeEscalation]),
    known("T1098.004", "SSH Authorized Keys", &[Persistence, PrivilegeEscalation]),
    known("T1110", "Brute Force", &[CredentialAccess]),
    known("T1136", "Create Account", &[Persistence]),
    known("T1136.003", "Cloud Account", &[Persistence]),
    known("T1190", "Exploit Public-Facing Application", &[InitialAccess]),
    known("T1199", "Trusted Relationship", &[InitialAccess]),
    known("T1484", "Domain or Tenant Policy Modification", &[PrivilegeEscalation, DefenseEvasion]),
    known("T1484.002", "Trust Modification", &[PrivilegeEscalation, DefenseEvasion]),
    known("T1485", "Data Destruction", &[Impact]),
    known("T1486", "Data Encrypted for Impact", &[Impact]),
    known("T1489", "Service Stop", &[Impact]),
    known("T1490", "Inhibit System Recovery", &[Impact]),
    known("T1496", "Resource Hijacking", &[Impact]),
    known("T1526", "Cloud Service Discovery", &[Discovery]),
    known("T1530", "Data from Cloud Storage", &[Collection]),
    known("T1531", "Account Access Removal", &[Impact]),
    known("T1535", "Unused/Unsupported Cloud Regions", &[DefenseEvasion]),
    known("T1537", "Transfer Data to Cloud Account", &[Exfiltration]),
    known("T1538", "Cloud Service Dashboard", &[Discovery]),
    known("T1548.005", "Temporary Elevated Cloud Access", &[PrivilegeEscalation, DefenseEvasion]),
    known("T1550.001", "Application Access Token", &[DefenseEvasion, LateralMovement]),
    known("T1552", "Unsecured Credentials", &[CredentialAccess]),
    known("T1552.005", "Cloud Instance Metadata API", &[CredentialAccess]),
    known("T1555.006", "Cloud Secrets Management Stores", &[CredentialAccess]),
    known("T1556", "Modify Authentication Process", &[Persistence, DefenseEvasion, CredentialAccess]),
    known("T1556.006", "Multi-Factor Authentication", &[Persistence, DefenseEvasion, CredentialAccess]),
    known("T1562", "Impair Defenses", &[DefenseEvasion]),
    known("T1562.001", "Disable or Modify Tools", &[DefenseEvasion]),
    known("T1562.007", "Disable or Modify Cloud Firewall", &[DefenseEvasion]),
    known("T1562.008", "Disable or Modify Cloud Logs", &[DefenseEvasion]),
    known("T1578", "Modify Cloud Compute Infrastructure", &[DefenseEvasion]),
    known("T1580", "Cloud Infrastructure Discovery", &[Discovery]),
    known("T1606.002", "SAML Tokens", &[CredentialAccess]),
    known("T1619", "Cloud Storage Object Discovery", &[Discovery]),
    known("T1621", "Multi-Factor Authentication Request Generation", &[CredentialAccess]),
    known("T1648", "Serverless Execution", &[Execution]),
    known("T1651", "Cloud Administration Command", &[Execution]),
    known("T1657", "Financial Theft", &[Impact]),
    known("T1666", "Modify Cloud Resource Hierarchy", &[DefenseEvasion]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_can_be_searched() {
        assert!(TECHNIQUES.is_sorted_by_key(|technique| technique.id));
        assert_eq!(technique("T1666").unwrap().name, "Modify Cloud Resource Hierarchy");
        assert_eq!(technique("T9999"), None);
    }
}
