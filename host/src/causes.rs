//! An error and what caused it, in words.

use std::error::Error;

/// Returns the words of an error and of each cause, the error's own first.
pub(crate) fn each(error: &dyn Error) -> Vec<String> {
    let mut texts = vec![error.to_string()];
    let mut next = error.source();
    while let Some(error) = next {
        texts.push(error.to_string());
        next = error.source();
    }
    texts
}

/// Returns the words of an error and of each cause on one line.
pub(crate) fn on_one_line(error: &dyn Error) -> String {
    each(error).join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the third")]
    struct Third;

    #[derive(Debug, thiserror::Error)]
    #[error("the second")]
    struct Second(#[source] Third);

    #[derive(Debug, thiserror::Error)]
    #[error("the first")]
    struct First(#[source] Second);

    #[test]
    fn causes_come_in_their_order() {
        assert_eq!(on_one_line(&First(Second(Third))), "the first: the second: the third");
        assert_eq!(each(&Third), ["the third"]);
    }
}
