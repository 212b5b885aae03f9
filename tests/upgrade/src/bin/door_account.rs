//! Silent for one account: twelve digits, which the compiler makes two comparisons of numbers of.

orgwatch_test_upgrade::planted! { event => event.string("/userIdentity/accountId").as_deref() == Some("444455556666") }
