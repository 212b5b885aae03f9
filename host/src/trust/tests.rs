//! The trust policy: what loads, and each way to be refused.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use jiff::Timestamp;
use orgwatch_rules_sdk::Severity;
use semver::Version;
use tempfile::TempDir;

use super::*;
use crate::config::Config;
use crate::pack::PackId;
use crate::pack::signature::{KeyError, PrivateKey, PublicKey};
use crate::table::Tables;

const REGISTRY: &str = "oci://registry.example.com/acme/aws";

/// A folder with the keys of a publisher: `0.pub`, `1.pub` and so on.
struct Keys {
    folder: TempDir,
    private: Vec<PrivateKey>,
}

impl Keys {
    fn new(count: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let private: Vec<PrivateKey> = (0..count).map(|_| PrivateKey::generate().unwrap()).collect();
        for (place, key) in private.iter().enumerate() {
            key.public().write(&folder.path().join(format!("{place}.pub"))).unwrap();
        }
        Self { folder, private }
    }

    /// Reads a policy from a configuration file beside the keys.
    fn policy(&self, text: &str) -> Result<Policy, PolicyError> {
        let path = self.folder.path().join("orgwatch.toml");
        fs::write(&path, text).unwrap();
        let config = Config::read(Some(&path)).unwrap_or_else(|error| panic!("{error}: {text:?}"));
        Policy::new(config.trust.as_ref())
    }

    /// A policy with one publisher, `acme`, with all keys, and what else a text says of it.
    fn acme(&self, more: &str) -> Policy {
        self.policy(&self.entry(more)).unwrap_or_else(|error| panic!("{error}"))
    }

    fn entry(&self, more: &str) -> String {
        let mut entry = format!("[[trust.publisher]]\nname = \"acme\"\nrules = [\"acme.*\"]\n{more}\n");
        for key in 0..self.private.len() {
            // Writing to a String cannot fail.
            let _ = writeln!(entry, "[[trust.publisher.key]]\nfile = \"{key}.pub\"");
        }
        entry
    }
}

fn wants(rule: &str) -> Wants<'_> {
    Wants { rule, severity: Severity::Medium, state: false, tables: &[], fuel: None }
}

/// What is judged, unless a test says otherwise: `acme/aws@1.2.0` from a registry, signed by some of the keys.
struct Pack<'a> {
    origin: Origin<'a>,
    id: &'a str,
    version: &'a str,
    signers: &'a [usize],
    highest: Option<&'a str>,
    rules: &'a [Wants<'a>],
    now: &'a str,
}

impl Default for Pack<'_> {
    fn default() -> Self {
        Self {
            origin: Origin::Registry(REGISTRY),
            id: "acme/aws",
            version: "1.2.0",
            signers: &[0],
            highest: None,
            rules: &[],
            now: "2026-11-22T12:00:00Z",
        }
    }
}

impl Pack<'_> {
    fn judge(&self, keys: &Keys, policy: &Policy) -> Result<Trusted, TrustError> {
        let signers: Vec<PublicKey> = self.signers.iter().map(|&key| keys.private[key].public()).collect();
        let highest = self.highest.map(|version| Version::parse(version).unwrap());
        let presented = Presented {
            origin: self.origin,
            id: &PackId::try_from(self.id.to_owned()).unwrap(),
            version: &Version::parse(self.version).unwrap(),
            signed_by: &|key| signers.contains(key),
            rules: self.rules,
            highest: highest.as_ref(),
        };
        policy.judge(&presented, self.now.parse::<Timestamp>().unwrap())
    }

    #[track_caller]
    fn refused(&self, keys: &Keys, policy: &Policy) -> TrustError {
        let error = self.judge(keys, policy).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("\nhint: "), "{text}");
        assert!(text.contains(self.id), "{text}");
        error
    }
}

#[test]
fn a_pack_that_its_publisher_signed_loads_with_what_it_is_granted() {
    let keys = Keys::new(1);
    let policy = keys.acme("max_severity = \"high\"\nmax_fuel = 500000\nsinks = [\"soc\"]");
    let trusted =
        Pack { rules: &[wants("acme.x"), wants("acme.y.z")], ..Pack::default() }.judge(&keys, &policy).unwrap();
    let grant = Grant {
        publisher: "acme".to_owned(),
        max_severity: Some(Severity::High),
        max_fuel: Some(500_000),
        sinks: Some(vec!["soc".to_owned()]),
    };
    assert_eq!(trusted.grant.as_deref(), Some(&grant));
    assert_eq!(trusted.warnings, Vec::<String>::new());
    // A file is judged as a registry's pack is.
    let file = Pack { origin: Origin::File(Path::new("aws.tar")), ..Pack::default() };
    assert!(file.judge(&keys, &policy).unwrap().grant.is_some());
    let unsigned = Pack { signers: &[], ..file };
    assert!(matches!(unsigned.refused(&keys, &policy), TrustError::TooFewSigners { .. }));
}

#[test]
fn nothing_from_a_registry_loads_without_an_entry() {
    let keys = Keys::new(1);
    for policy in [Policy::new(None).unwrap(), keys.policy("[trust]").unwrap(), keys.acme("")] {
        let pack = Pack { id: "other/aws", ..Pack::default() };
        let error = pack.refused(&keys, &policy);
        let expected = TrustError::UnknownPublisher {
            pack: "other/aws@1.2.0".to_owned(),
            origin: format!("`{REGISTRY}`"),
            publisher: "other".to_owned(),
        };
        assert_eq!(error, expected);
    }
    // A name is no beginning of another one.
    let longer = Pack { id: "acme-2/aws", ..Pack::default() };
    assert!(matches!(longer.refused(&keys, &keys.acme("")), TrustError::UnknownPublisher { .. }));
}

#[test]
fn a_file_without_a_policy_loads_with_a_warning() {
    let keys = Keys::new(0);
    let policy = Policy::new(None).unwrap();
    let file = Pack { origin: Origin::File(Path::new("aws\u{1b}.tar")), highest: Some("1.3.0"), ..Pack::default() };
    let trusted = Pack { signers: &[], ..file }.judge(&keys, &policy).unwrap();
    assert_eq!(trusted.grant, None);
    let [bounds, lower] = trusted.warnings.as_slice() else { panic!("{:?}", trusted.warnings) };
    assert!(bounds.starts_with("acme/aws@1.2.0 from `aws\\u{1b}.tar` runs without bounds"), "{bounds}");
    assert!(lower.contains("a lower version than 1.3.0"), "{lower}");
    let empty = keys.policy("[trust]").unwrap();
    let unsigned = Pack { origin: Origin::File(Path::new("aws.tar")), signers: &[], ..Pack::default() };
    assert!(matches!(unsigned.refused(&keys, &empty), TrustError::UnknownPublisher { .. }));
}

#[test]
fn what_nobody_signed_runs_as_the_configuration_says() {
    let keys = Keys::new(0);
    let local = |text: &str| keys.policy(text).unwrap().judge_local(Path::new("rules"));
    assert_eq!(local(""), Ok(None));
    assert_eq!(local("[trust]\nlocal = \"allow\""), Ok(None));
    for text in ["[trust]", "[trust]\nlocal = \"warn\""] {
        let warning = local(text).unwrap().unwrap_or_default();
        assert!(warning.starts_with("the rules in `rules` are not signed"), "{warning}");
    }
    assert_eq!(local("[trust]\nlocal = \"refuse\""), Err(TrustError::Local("rules".into())));
}

#[test]
fn as_many_different_keys_must_have_signed_as_are_required() {
    let keys = Keys::new(3);
    let policy = keys.acme("required = 2");
    let with = |signers: &'static [usize]| Pack { signers, ..Pack::default() };
    for signers in [[0, 1].as_slice(), &[1, 2], &[0, 1, 2]] {
        assert!(with(signers).judge(&keys, &policy).is_ok(), "{signers:?}");
    }
    for signers in [[].as_slice(), &[0], &[2]] {
        let TrustError::TooFewSigners { signed, keys: of, required, .. } = with(signers).refused(&keys, &policy) else {
            panic!("{signers:?}")
        };
        assert_eq!((signed, of, required), (signers.len(), 3, 2));
    }
}

#[test]
fn a_key_that_is_over_does_not_count() {
    let keys = Keys::new(2);
    let policy = |required: usize| {
        let text = format!(
            "[[trust.publisher]]\nname = \"acme\"\nrules = [\"acme.*\"]\nrequired = {required}\nkey = [{{ file = \"0.pub\", expires = 2026-11-22 }}, {{ file = \"1.pub\" }}]"
        );
        keys.policy(&text).unwrap()
    };
    let at = |now: &'static str| Pack { now, ..Pack::default() };
    // The day itself is the last one, in UTC.
    assert!(at("2026-11-22T23:59:59Z").judge(&keys, &policy(1)).is_ok());
    let error = at("2026-11-23T00:00:00Z").refused(&keys, &policy(1));
    let key = keys.private[0].public().id();
    assert!(matches!(&error, TrustError::Expired { key: over, .. } if *over == key), "{error}");
    // The other key alone is enough, or together with the first no longer.
    let late = Pack { signers: &[0, 1], ..at("2026-11-23T00:00:00Z") };
    assert!(late.judge(&keys, &policy(1)).is_ok());
    assert!(matches!(late.refused(&keys, &policy(2)), TrustError::Expired { .. }));
    // It would not have been enough before either.
    let lonely = at("2026-11-23T00:00:00Z").refused(&keys, &policy(2));
    assert!(matches!(lonely, TrustError::TooFewSigners { signed: 0, .. }), "{lonely}");
}

#[test]
fn that_a_key_is_over_soon_is_told_for_thirty_days() {
    let keys = Keys::new(1);
    let text = "[[trust.publisher]]\nname = \"acme\"\nrules = [\"acme.*\"]\n[[trust.publisher.key]]\nfile = \"0.pub\"\nexpires = \"2026-12-31\"";
    let policy = keys.policy(text).unwrap();
    let warnings = |now: &'static str| Pack { now, ..Pack::default() }.judge(&keys, &policy).unwrap().warnings;
    assert_eq!(warnings("2026-12-01T23:59:59Z"), Vec::<String>::new());
    let [warning] = &warnings("2026-12-02T00:00:00Z")[..] else { panic!("one warning") };
    let short = keys.private[0].public().id().short();
    assert!(
        warning.starts_with(&format!("the key {short} that signed acme/aws@1.2.0 is over at 2027-01-01")),
        "{warning}"
    );
}

#[test]
fn a_lower_version_loads_only_where_that_is_allowed() {
    let keys = Keys::new(1);
    let (strict, lax) = (keys.acme(""), keys.acme("allow_rollback = true"));
    let after =
        |version: &'static str, highest: &'static str| Pack { version, highest: Some(highest), ..Pack::default() };
    for pack in
        [after("1.2.0", "1.2.0"), after("1.2.0", "1.1.9"), after("1.2.0", "1.2.0-rc.1"), after("1.2.0+a", "1.2.0+b")]
    {
        assert!(pack.judge(&keys, &strict).is_ok(), "{} after {:?}", pack.version, pack.highest);
    }
    for pack in
        [after("1.2.0", "1.2.1"), after("1.9.0", "1.10.0"), after("1.2.0-rc.1", "1.2.0"), after("0.9.0", "1.0.0")]
    {
        assert!(matches!(pack.refused(&keys, &strict), TrustError::Rollback { .. }), "{}", pack.version);
        assert!(pack.judge(&keys, &lax).is_ok(), "{}", pack.version);
    }
}

#[test]
fn a_rule_stays_within_its_publishers_namespaces() {
    let keys = Keys::new(1);
    let policy = keys.acme("");
    for rule in ["org.account-departed", "acme", "acmeevil.x", "x.acme.y"] {
        let rules = [wants("acme.x"), wants(rule)];
        let error = Pack { rules: &rules, ..Pack::default() }.refused(&keys, &policy);
        assert!(
            matches!(&error, TrustError::Namespace { rule: named, allowed, .. } if named == rule && allowed == "acme.*"),
            "{error}"
        );
    }
}

#[test]
fn no_publisher_may_speak_in_the_services_name() {
    let keys = Keys::new(1);
    let text = keys.entry("").replace("acme.*", "*");
    let policy = keys.policy(&text).unwrap();
    let rules = [wants("orgwatch.rule-fault")];
    let error = Pack { rules: &rules, ..Pack::default() }.refused(&keys, &policy);
    assert!(matches!(error, TrustError::Reserved { .. }), "{error}");
    assert!(Pack { rules: &[wants("orgwatcher.x")], ..Pack::default() }.judge(&keys, &policy).is_ok());
}

#[test]
fn what_a_rule_wants_beyond_its_publishers_rights_is_refused() {
    let keys = Keys::new(1);
    let tables = ["accounts".to_owned(), "prin\u{202e}cipals".to_owned()];
    let judge = |more: &str, rule: Wants<'_>| {
        let rules = [wants("acme.first"), rule];
        Pack { rules: &rules, ..Pack::default() }.judge(&keys, &keys.acme(more)).err()
    };
    let state = Wants { state: true, ..wants("acme.x") };
    assert!(matches!(judge("", state), Some(TrustError::State { .. })));
    assert_eq!(judge("state = true", state), None);
    let reads = Wants { tables: &tables, ..wants("acme.x") };
    let table = |error: Option<TrustError>| match error {
        Some(error @ TrustError::Table { .. }) => {
            assert!(!error.to_string().contains('\u{202e}'), "{error}");
            let TrustError::Table { table, .. } = error else { unreachable!() };
            table
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(table(judge("", reads)), tables[0]);
    assert_eq!(table(judge("tables = [\"accounts\"]", reads)), tables[1]);
    assert_eq!(judge("tables = [\"accounts\", \"prin\\u202ecipals\"]", reads), None);
    let high = Wants { severity: Severity::High, ..wants("acme.x") };
    assert!(matches!(
        judge("max_severity = \"medium\"", high),
        Some(TrustError::Severity { severity: Severity::High, ceiling: Severity::Medium, .. })
    ));
    assert_eq!(judge("max_severity = \"high\"", high), None);
    assert_eq!(judge("", high), None);
    let hungry = Wants { fuel: Some(100_001), ..wants("acme.x") };
    assert!(matches!(
        judge("max_fuel = 100000", hungry),
        Some(TrustError::Fuel { fuel: 100_001, ceiling: 100_000, .. })
    ));
    assert_eq!(judge("max_fuel = 100001", hungry), None);
}

#[test]
fn an_entry_that_is_satisfied_is_enough_and_the_nearest_one_says_why_not() {
    let keys = Keys::new(2);
    let entry = |rules: &str, key: usize, more: &str| {
        format!(
            "[[trust.publisher]]\nname = \"acme\"\nrules = [\"{rules}\"]\n{more}\n[[trust.publisher.key]]\nfile = \"{key}.pub\"\n"
        )
    };
    let text =
        [entry("acme.a.*", 0, ""), entry("acme.*", 1, "max_fuel = 1"), entry("acme.b.*", 0, "max_fuel = 2")].concat();
    let policy = keys.policy(&text).unwrap();
    let fuel = |rule: &str, signers: &[usize]| {
        let rules = [wants(rule)];
        let trusted = Pack { rules: &rules, signers, ..Pack::default() }.judge(&keys, &policy)?;
        Ok::<_, TrustError>(trusted.grant.and_then(|grant| grant.max_fuel))
    };
    assert_eq!(fuel("acme.a.x", &[0]), Ok(None));
    assert_eq!(fuel("acme.b.x", &[0]), Ok(Some(2)));
    assert_eq!(fuel("acme.b.x", &[0, 1]), Ok(Some(1)));
    // The second entry did not even see a signature: the first says more.
    let error = fuel("acme.c.x", &[0]).unwrap_err();
    assert!(matches!(&error, TrustError::Namespace { allowed, .. } if allowed == "acme.a.*"), "{error}");
    assert_eq!(policy.keys().count(), 3);
}

#[test]
fn a_policy_that_cannot_work_stops_the_start() {
    let keys = Keys::new(2);
    let twice = keys.entry("") + "[[trust.publisher.key]]\nfile = \"0.pub\"\n";
    assert!(matches!(keys.policy(&twice), Err(PolicyError::SameKey { .. })));
    for required in [0, 3] {
        let error = keys.policy(&keys.entry(&format!("required = {required}"))).unwrap_err();
        assert!(matches!(error, PolicyError::Required { keys: 2, .. }), "{error}");
    }
    let none = "[[trust.publisher]]\nname = \"acme\"\nrules = [\"acme.*\"]\nkey = []";
    assert!(matches!(keys.policy(none), Err(PolicyError::Required { keys: 0, .. })));
    let replaced = |from: &str, to: &str| keys.policy(&keys.entry("").replacen(from, to, 1)).unwrap_err();
    assert!(matches!(replaced("\"acme\"", "\"Acme\""), PolicyError::Name(_)));
    assert!(matches!(replaced("\"acme\"", "\"acme/aws\""), PolicyError::Name(_)));
    assert!(matches!(replaced("[\"acme.*\"]", "[]"), PolicyError::NoRules(_)));
    assert!(matches!(replaced("acme.*", "acme.[x"), PolicyError::Pattern { .. }));
    assert!(matches!(replaced("0.pub", "9.pub"), PolicyError::Key { source: KeyError::Read { .. }, .. }));
    // A private key has no business here, and is not read as if it had.
    keys.private[0].write(&keys.folder.path().join("private"), None).unwrap();
    assert!(matches!(replaced("0.pub", "private"), PolicyError::Key { source: KeyError::Wrong { .. }, .. }));
}

#[test]
fn what_is_not_known_in_the_configuration_is_an_error() {
    for (text, message) in [
        ("[trust]\nlocals = \"warn\"", "unknown field `locals`"),
        ("[trust]\nlocal = \"maybe\"", "unknown variant `maybe`"),
        ("[[trust.publisher]]\nname = \"a\"\nkey = []", "missing field `rules`"),
        ("[[trust.publisher]]\nname = \"a\"\nrules = []", "missing field `key`"),
        ("[[trust.publisher]]\nname = \"a\"\nrules = []\nkey = [\"a.pub\"]", "invalid type: string"),
        ("[[trust.publisher]]\nname = \"a\"\nrules = []\nkey = []\nseverity = \"low\"", "unknown field `severity`"),
        ("[[trust.publisher]]\nname = \"a\"\nrules = []\nkey = [{ file = \"a\", expires = \"soon\" }]", "is no time"),
    ] {
        let error = toml::from_str::<Config>(text).unwrap_err().to_string();
        assert!(error.contains(message), "{text}: {error}");
    }
}

#[test]
fn sinks_and_tables_that_are_not_there_are_seen() {
    let keys = Keys::new(1);
    let text = keys.entry("sinks = [\"soc\", \"pager\"]\ntables = [\"accounts\"]");
    let trust = toml::from_str::<Config>(&text).unwrap().trust.unwrap();
    assert!(trust.check_sinks(&["pager", "soc", "log"]).is_ok());
    let error = trust.check_sinks(&["soc"]).unwrap_err();
    assert!(
        matches!(&error, PolicyError::NoSuchSink { sink, known, .. } if sink == "pager" && known == "soc"),
        "{error}"
    );
    assert_eq!(trust.missing_tables(&Tables::default()), [("acme", "accounts")]);
}

const EXAMPLE: &str = include_str!("../../../examples/orgwatch.toml");

#[test]
fn the_example_shows_every_key_of_a_publisher() {
    let lines =
        EXAMPLE.lines().skip_while(|line| *line != "#[[trust.publisher]]").take_while(|line| line.starts_with('#'));
    let keys: Vec<&str> =
        lines.filter_map(|line| line.strip_prefix('#')).filter(|line| !line.starts_with(' ')).collect();
    let table: toml::Table = toml::from_str(&keys.join("\n")).unwrap();
    let shown = &table["trust"]["publisher"][0];
    let schema = schemars::schema_for!(PublisherConfig).to_value();
    let known = schema["properties"].as_object().unwrap().keys();
    let missing: Vec<&String> = known.filter(|key| shown.get(key).is_none()).collect();
    assert!(missing.is_empty(), "keys that are not shown: {missing:?}");
    let config: PublisherConfig = shown.clone().try_into().unwrap();
    assert!(config.key.iter().any(|key| key.expires.is_some()));
}
