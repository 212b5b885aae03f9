//! What can be wrong with the service itself: each is reported as an operational finding.

use orgwatch_rules_sdk::Severity;

/// Something about the service that an operator should know. Its id is that of the finding that tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// A rule could not judge an event that it asked for.
    RuleFault,
    /// Something in an input could not be read as a record.
    Unreadable,
    /// A source fails and is tried again.
    SourceStuck,
    /// A source that should bring events brings none.
    SourceQuiet,
    /// A source brings events long after they happened.
    SourceBehind,
    /// Something names a bucket, a prefix or an account that is not allowed, and was not read.
    ForeignObject,
    /// A file holds records of another account than its path says.
    AccountMismatch,
    /// A sink gave up on deliveries: they are dead letters.
    SinkGaveUp,
    /// A sink fails and is tried again.
    SinkStuck,
    /// A finding that no route takes to any sink.
    Unrouted,
    /// An event dated in the future.
    FutureEvent,
    /// Two different records with one event id.
    TwoBodies,
    /// The disk is full, or nearly so: the intake waits.
    DiskFull,
    /// A rule that looks back has more to remember than is kept.
    StateFull,
    /// An exception is over, and what it was for is delivered again.
    ExceptionExpired,
    /// Rules or tuning that should have been loaded anew could not be; the last good ones go on.
    ReloadFailed,
    /// Rules could not be loaded at the start, and do not run.
    RulesMissing,
}

impl Condition {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::RuleFault,
        Self::Unreadable,
        Self::SourceStuck,
        Self::SourceQuiet,
        Self::SourceBehind,
        Self::ForeignObject,
        Self::AccountMismatch,
        Self::SinkGaveUp,
        Self::SinkStuck,
        Self::Unrouted,
        Self::FutureEvent,
        Self::TwoBodies,
        Self::DiskFull,
        Self::StateFull,
        Self::ExceptionExpired,
        Self::ReloadFailed,
        Self::RulesMissing,
    ];

    /// Returns the id of the findings that tell of it.
    pub const fn id(self) -> &'static str {
        match self {
            Self::RuleFault => "orgwatch.rule-fault",
            Self::Unreadable => "orgwatch.unreadable",
            Self::SourceStuck => "orgwatch.source-stuck",
            Self::SourceQuiet => "orgwatch.source-quiet",
            Self::SourceBehind => "orgwatch.source-behind",
            Self::ForeignObject => "orgwatch.foreign-object",
            Self::AccountMismatch => "orgwatch.account-mismatch",
            Self::SinkGaveUp => "orgwatch.sink-gave-up",
            Self::SinkStuck => "orgwatch.sink-stuck",
            Self::Unrouted => "orgwatch.unrouted",
            Self::FutureEvent => "orgwatch.future-event",
            Self::TwoBodies => "orgwatch.two-bodies",
            Self::DiskFull => "orgwatch.disk-full",
            Self::StateFull => "orgwatch.state-full",
            Self::ExceptionExpired => "orgwatch.exception-expired",
            Self::ReloadFailed => "orgwatch.reload-failed",
            Self::RulesMissing => "orgwatch.rules-missing",
        }
    }

    /// Returns how serious it is, where nothing else decides.
    pub const fn severity(self) -> Severity {
        match self {
            Self::FutureEvent | Self::TwoBodies | Self::Unreadable | Self::SinkStuck | Self::ExceptionExpired => {
                Severity::Medium
            }
            Self::RuleFault
            | Self::SourceStuck
            | Self::SourceQuiet
            | Self::SourceBehind
            | Self::ForeignObject
            | Self::AccountMismatch
            | Self::SinkGaveUp
            | Self::Unrouted
            | Self::StateFull
            | Self::ReloadFailed
            | Self::RulesMissing => Severity::High,
            Self::DiskFull => Severity::Critical,
        }
    }

    /// Tells whether it is something that happens, and is not over by itself, in contrast to a state that ends.
    pub const fn happens_once(self) -> bool {
        matches!(
            self,
            Self::RuleFault
                | Self::Unreadable
                | Self::ForeignObject
                | Self::AccountMismatch
                | Self::SinkGaveUp
                | Self::Unrouted
                | Self::FutureEvent
                | Self::TwoBodies
        )
    }

    /// Returns the title of a finding that tells of it.
    pub fn title(self, subject: &str, over: bool) -> String {
        let title = match self {
            Self::RuleFault => format!("The rule {subject} could not judge an event that it asked for"),
            Self::Unreadable => format!("The source {subject} brought something that cannot be read"),
            Self::SourceStuck => format!("The source {subject} is stuck"),
            Self::SourceQuiet => format!("The source {subject} has gone quiet"),
            Self::SourceBehind => format!("The source {subject} is far behind"),
            Self::ForeignObject => format!("The source {subject} was asked to read what it may not"),
            Self::AccountMismatch => {
                format!("The source {subject} brought records of another account than the file's path says")
            }
            Self::SinkGaveUp => format!("The sink {subject} did not take findings, which are dead letters now"),
            Self::SinkStuck => format!("The sink {subject} takes no findings"),
            Self::Unrouted => format!("No route takes findings of {subject} to any sink"),
            Self::FutureEvent => format!("The source {subject} brought an event that is dated in the future"),
            Self::TwoBodies => format!("The source {subject} brought two different records with one event id"),
            Self::DiskFull => "The ledger has no room left, and the intake waits".to_owned(),
            Self::StateFull => format!("The rule {subject} has more to remember than is kept"),
            Self::ExceptionExpired => {
                format!("The exception {subject} is over, and what it was for is delivered again")
            }
            Self::ReloadFailed => "Changed rules could not be loaded, and the ones before go on".to_owned(),
            Self::RulesMissing => "Rules could not be loaded at the start, and do not run".to_owned(),
        };
        if over { format!("Over: {title}") } else { title }
    }
}
