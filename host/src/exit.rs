//! Exit codes, as documented.

use std::process;

/// How the program ended. When several apply, the first of this list does: wrong usage, then input and output, then rules and gaps, then
/// what one asked to fail on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// 0: done.
    Done,
    /// 1: what one asked to fail on happened.
    Failed,
    /// 2: a rule or pack could not be loaded, or gaps remain.
    Rules,
    /// 4: input, output, credentials or the ledger failed.
    InputOutput,
    /// 3: wrong usage or configuration.
    Usage,
}

impl Exit {
    /// Returns the code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Rules => 2,
            Self::Usage => 3,
            Self::InputOutput => 4,
        }
    }
}

impl From<Exit> for process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_several_apply_the_order_is_three_four_two_one() {
        let mut all = [Exit::Failed, Exit::InputOutput, Exit::Done, Exit::Usage, Exit::Rules];
        all.sort();
        assert_eq!(all.map(Exit::code), [0, 1, 2, 4, 3]);
    }
}
