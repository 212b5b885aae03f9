//! Routes: which findings go to which sinks.

use std::collections::{BTreeMap, BTreeSet};

use glob::{MatchOptions, Pattern};
use orgwatch_rules_sdk::Severity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::finding::Finding;
use crate::ledger::SinkNumber;
use crate::rule::Rule;
use crate::tuning::{Group, GroupConfig, GroupError};

/// One route, as it is written. A finding takes every route that fits it; a condition that is left out fits everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteConfig {
    /// Rules by id, with `*` for any text: `org.*`. The service's own findings are `orgwatch.*`.
    #[serde(default)]
    pub rules: Vec<String>,
    /// The least severity.
    #[serde(default)]
    pub severity: Option<Severity>,
    /// Accounts that the event belongs to.
    #[serde(default)]
    pub accounts: Vec<String>,
    /// The sinks, by name.
    pub sinks: Vec<String>,
    /// How findings that belong together are told together. Without it each is delivered at once.
    #[serde(default)]
    pub group: Option<GroupConfig>,
}

/// Why routes make no sense.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// A route leads to a sink that is not there.
    #[error("a route leads to the sink `{sink}`, which is not there\nhint: the sinks are {known}")]
    NoSuchSink {
        /// The name in the route.
        sink: String,
        /// The names of the sinks.
        known: String,
    },
    /// A route leads nowhere.
    #[error("a route has no sinks\nhint: name one, or leave the route out")]
    NoSinks,
    /// Findings cannot be grouped like this.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// A pattern of rule ids is none.
    #[error("`{pattern}` is not a pattern of rule ids: {reason}")]
    Pattern {
        /// The text.
        pattern: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// All routes, checked.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    list: Vec<Route>,
    /// The names of the sinks.
    names: Vec<String>,
    /// The sinks that findings of some rules may reach, by the rule's id. All others may reach all.
    granted: BTreeMap<String, BTreeSet<usize>>,
}

#[derive(Clone, Debug)]
struct Route {
    rules: Vec<Pattern>,
    severity: Severity,
    accounts: Vec<String>,
    sinks: Vec<usize>,
    group: Option<GroupConfig>,
}

impl Routes {
    /// Checks the routes against the names of the sinks. Without any route every finding goes to every sink.
    ///
    /// # Errors
    ///
    /// Fails when a route names a sink that is not there, or none, or a pattern that is none.
    pub fn new(routes: &[RouteConfig], sinks: &[&str]) -> Result<Self, RouteError> {
        let names = sinks.iter().map(|&name| name.to_owned()).collect();
        let granted = BTreeMap::new();
        if routes.is_empty() {
            let everything = Route {
                rules: Vec::new(),
                severity: Severity::Informational,
                accounts: Vec::new(),
                sinks: (0..sinks.len()).collect(),
                group: None,
            };
            return Ok(Self { list: vec![everything], names, granted });
        }
        let list = routes.iter().map(|route| Route::new(route, sinks)).collect::<Result<_, _>>()?;
        Ok(Self { list, names, granted })
    }

    /// Keeps findings of rules with a grant from sinks that it does not give them. What the service says of such a rule's faults is the service's
    /// own, and goes where it would go without.
    #[must_use]
    pub fn granted_to(mut self, rules: &[Rule]) -> Self {
        for rule in rules {
            if let Some(grant) = rule.grant.as_ref().filter(|grant| grant.sinks.is_some()) {
                let reached = self.names.iter().enumerate().filter(|(_, name)| grant.reaches(name));
                self.granted.insert(rule.id.clone(), reached.map(|(place, _)| place).collect());
            }
        }
        self
    }

    fn may_reach(&self, rule: &str, sink: usize) -> bool {
        self.granted.get(rule).is_none_or(|sinks| sinks.contains(&sink))
    }

    /// Returns the sinks, by their places in the list of names, that a rule's findings of some severity about some account go to, each once.
    pub fn sinks(&self, rule: &str, severity: Severity, account: Option<&str>) -> Vec<usize> {
        self.paths(rule, severity, account).into_keys().collect()
    }

    /// Returns the same with how each of them has such findings grouped. A sink to which one route leads without grouping gets them at once;
    /// of several groupings the first route's counts.
    pub fn paths(&self, rule: &str, severity: Severity, account: Option<&str>) -> BTreeMap<usize, Option<GroupConfig>> {
        let mut paths = self.all_paths(rule, severity, account);
        paths.retain(|&sink, _| self.may_reach(rule, sink));
        paths
    }

    /// Returns the same for what is not held to the rule's grant.
    fn all_paths(&self, rule: &str, severity: Severity, account: Option<&str>) -> BTreeMap<usize, Option<GroupConfig>> {
        let mut paths: BTreeMap<usize, Option<GroupConfig>> = BTreeMap::new();
        for route in self.list.iter().filter(|route| route.fits(rule, severity, account)) {
            for &sink in &route.sinks {
                let path = paths.entry(sink).or_insert(route.group);
                if route.group.is_none() {
                    *path = None;
                }
            }
        }
        paths
    }

    /// Tells whether some finding of a rule with some severity finds a sink, whatever account it is about.
    pub fn can_take(&self, rule: &str, severity: Severity) -> bool {
        let mut routes = self.list.iter().filter(|route| route.severity <= severity && route.knows(rule));
        routes.any(|route| route.sinks.iter().any(|&sink| self.may_reach(rule, sink)))
    }
}

impl Route {
    fn new(route: &RouteConfig, sinks: &[&str]) -> Result<Self, RouteError> {
        if route.sinks.is_empty() {
            return Err(RouteError::NoSinks);
        }
        if let Some(group) = &route.group {
            group.check()?;
        }
        let place = |name: &String| {
            sinks.iter().position(|sink| sink == name).ok_or_else(|| RouteError::NoSuchSink {
                sink: name.clone(),
                known: if sinks.is_empty() { "none".to_owned() } else { sinks.join(", ") },
            })
        };
        let pattern = |text: &String| {
            Pattern::new(text).map_err(|error| RouteError::Pattern { pattern: text.clone(), reason: error.msg })
        };
        Ok(Self {
            rules: route.rules.iter().map(pattern).collect::<Result<_, _>>()?,
            severity: route.severity.unwrap_or(Severity::Informational),
            accounts: route.accounts.clone(),
            sinks: route.sinks.iter().map(place).collect::<Result<_, _>>()?,
            group: route.group,
        })
    }

    fn fits(&self, rule: &str, severity: Severity, account: Option<&str>) -> bool {
        severity >= self.severity
            && self.knows(rule)
            && (self.accounts.is_empty()
                || account.is_some_and(|account| self.accounts.iter().any(|known| known == account)))
    }

    fn knows(&self, rule: &str) -> bool {
        self.rules.is_empty() || self.rules.iter().any(|pattern| pattern.matches_with(rule, MatchOptions::new()))
    }
}

/// The routes of a running service: they lead to queues of the ledger.
#[derive(Clone, Debug, Default)]
pub struct Router {
    routes: Routes,
    sinks: Vec<SinkNumber>,
}

impl Router {
    /// Joins the routes with the numbers of the sinks, in the order of the names that the routes were checked against.
    pub fn new(routes: Routes, sinks: Vec<SinkNumber>) -> Self {
        Self { routes, sinks }
    }

    /// Tells whether there is any route at all. Without one nothing is delivered, on purpose.
    pub fn delivers(&self) -> bool {
        !self.routes.list.is_empty()
    }

    /// Returns all queues.
    pub fn sinks(&self) -> Vec<SinkNumber> {
        self.sinks.clone()
    }

    /// Returns the queues that a finding of a rule goes to: those that it goes to at once, and those at which it belongs to a group.
    pub fn paths(&self, finding: &Finding) -> (Vec<SinkNumber>, Vec<(SinkNumber, Group)>) {
        let account = finding.event.account.as_deref();
        let (mut at_once, mut grouped) = (Vec::new(), Vec::new());
        for (sink, group) in self.routes.paths(&finding.rule.id, finding.severity, account) {
            match (self.sinks.get(sink), group) {
                (Some(&sink), Some(group)) => grouped.push((sink, group.group(finding))),
                (Some(&sink), None) => at_once.push(sink),
                (None, _) => {}
            }
        }
        (at_once, grouped)
    }

    /// Returns the queues that a finding goes to, grouped or not. One that tells of a rule goes where that rule's findings go, too.
    pub fn queues(&self, finding: &Finding, about_rule: Option<&str>) -> Vec<SinkNumber> {
        let account = finding.event.account.as_deref();
        let mut sinks = self.routes.sinks(&finding.rule.id, finding.severity, account);
        if let Some(rule) = about_rule {
            sinks.extend(self.routes.all_paths(rule, finding.severity, account).into_keys());
            sinks.sort_unstable();
            sinks.dedup();
        }
        sinks.into_iter().filter_map(|sink| self.sinks.get(sink).copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::finding::{Defaults, RuleReference};
    use crate::sandbox::LoadFault;
    use crate::trust::Grant;

    /// A rule whose findings may reach some sinks. Where they go does not depend on whether it could be loaded.
    fn rule(id: &str, sinks: &[&str]) -> Rule {
        let reference = RuleReference {
            id: id.to_owned(),
            component: id.to_owned(),
            version: "1.0.0".to_owned(),
            digest: String::new(),
            settings: String::new(),
            pack: None,
        };
        let defaults = Defaults {
            rule: Arc::new(reference),
            title: String::new(),
            severity: Severity::Medium,
            severity_ceiling: None,
            severity_override: None,
            attack: [].into(),
            references: [].into(),
        };
        let sinks = Some(sinks.iter().map(|&sink| sink.to_owned()).collect());
        Rule {
            id: id.to_owned(),
            defaults,
            grant: Some(Arc::new(Grant { sinks, ..Grant::default() })),
            state_version: None,
            patterns: Vec::new(),
            judge: Err(LoadFault::NoPatterns),
        }
    }

    fn route(text: &str) -> RouteConfig {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn a_finding_takes_every_route_that_fits_it() {
        let routes = [
            route(r#"sinks = ["log"]"#),
            route(
                r#"rules = ["org.*"]
                     severity = "high"
                     sinks = ["pager", "log"]"#,
            ),
            route(
                r#"accounts = ["111122223333"]
                     sinks = ["team"]"#,
            ),
        ];
        let routes = Routes::new(&routes, &["log", "pager", "team"]).unwrap();
        assert_eq!(routes.sinks("org.x", Severity::High, None), [0, 1]);
        assert_eq!(routes.sinks("org.x", Severity::Medium, Some("111122223333")), [0, 2]);
        assert_eq!(routes.sinks("cis.x", Severity::Critical, Some("444455556666")), [0]);
    }

    #[test]
    fn a_finding_takes_those_routes_alone_that_its_rule_is_granted() {
        let routes = [route(r#"sinks = ["log"]"#), route("rules = [\"acme.*\"]\nsinks = [\"pager\", \"team\"]")];
        let routes = Routes::new(&routes, &["log", "pager", "team"]).unwrap();
        let rules = [rule("acme.x", &["team"]), rule("acme.y", &[]), rule("other.x", &["pager"])];
        let routes = routes.granted_to(&rules);
        let sinks = |rule: &str| routes.sinks(rule, Severity::High, None);
        assert_eq!([sinks("acme.x"), sinks("acme.y"), sinks("other.x")], [vec![2], vec![], vec![]]);
        // A rule without a grant, and the service itself, reach what they are routed to.
        assert_eq!([sinks("acme.z"), sinks("orgwatch.rule-fault")], [vec![0, 1, 2], vec![0]]);
        let can = ["acme.x", "acme.y", "other.x", "acme.z"].map(|rule| routes.can_take(rule, Severity::High));
        assert_eq!(can, [true, false, false, true]);
    }

    #[test]
    fn without_routes_everything_goes_everywhere_and_a_wrong_name_is_an_error() {
        let routes = Routes::new(&[], &["a", "b"]).unwrap();
        assert_eq!(routes.sinks("x", Severity::Informational, None), [0, 1]);
        let error = Routes::new(&[route(r#"sinks = ["c"]"#)], &["a", "b"]).unwrap_err();
        assert_eq!(error, RouteError::NoSuchSink { sink: "c".into(), known: "a, b".into() });
        assert_eq!(Routes::new(&[route("sinks = []")], &["a"]).unwrap_err(), RouteError::NoSinks);
    }

    #[test]
    fn a_route_that_no_finding_of_a_rule_can_take_is_seen() {
        let routes =
            Routes::new(&[route("rules = [\"org.*\"]\nseverity = \"high\"\nsinks = [\"a\"]")], &["a"]).unwrap();
        assert!(routes.can_take("org.x", Severity::High));
        assert!(!routes.can_take("org.x", Severity::Low));
        assert!(!routes.can_take("cis.x", Severity::Critical));
    }
}
