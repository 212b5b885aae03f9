//! The results of tests as JUnit XML, which CI systems show: a suite a rule, a case a case.

use std::fs::File;
use std::io;
use std::path::Path;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::Tested;
use crate::escape::{message, path as shown};
use crate::testing::Outcome;

/// Writes the results. Warnings are failures where they are denied.
pub(super) fn write(tested: &[Tested], denied: bool, path: &Path) -> Result<(), JunitError> {
    let mut report = Report::new("orgwatch");
    for tested in tested {
        report.add_test_suite(suite(tested, denied));
    }
    let error = |source: io::Error| JunitError { path: shown(path), source };
    let file = File::create(path).map_err(error)?;
    report.serialize(file).map_err(|source| error(io::Error::other(source)))
}

/// The results cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("failed to write `{path}`")]
pub(super) struct JunitError {
    path: String,
    source: io::Error,
}

fn suite(tested: &Tested, denied: bool) -> TestSuite {
    let mut suite = TestSuite::new(tested.suite.id());
    for tried in &tested.results {
        let case = &tested.suite.cases[tried.case];
        let (kind, text) = match &tried.outcome {
            Outcome::Passed => (None, String::new()),
            Outcome::Fault(fault) => (Some(NonSuccessKind::Error), fault.clone()),
            Outcome::Failed(differences) => {
                let lines = differences.iter().map(|difference| {
                    let [expected, found] =
                        [&difference.expected, &difference.found].map(|text| text.as_deref().unwrap_or("nothing"));
                    format!("{}: expected {expected}, found {found}", difference.what)
                });
                (Some(NonSuccessKind::Failure), lines.collect::<Vec<_>>().join("\n"))
            }
        };
        let mut junit = TestCase::new(message(&case.name), status(kind, &text));
        junit.set_classname(tested.suite.id()).set_time(tried.took);
        suite.add_test_case(junit);
    }
    if let Some(lack) = tested.lacks() {
        suite.add_test_case(TestCase::new("both signs", status(Some(NonSuccessKind::Failure), lack)));
    }
    if let Some(failure) = tested.fuzz_failure() {
        let text = format!("record {}: {}", failure.number, failure.fault);
        suite.add_test_case(TestCase::new("generated records", status(Some(NonSuccessKind::Failure), &text)));
    }
    for warning in tested.warnings.iter().filter(|_| denied) {
        let kind = Some(NonSuccessKind::Failure);
        suite.add_test_case(TestCase::new(warning.code, status(kind, &warning.message)));
    }
    suite
}

fn status(kind: Option<NonSuccessKind>, text: &str) -> TestCaseStatus {
    let Some(kind) = kind else { return TestCaseStatus::success() };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(message(text.lines().next().unwrap_or_default())).set_description(message(text));
    status
}
