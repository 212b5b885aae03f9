//! Silent for one number.

orgwatch_test_upgrade::planted! {
    event => match event.read("/additionalEventData/bytesTransferredOut") {
        Value::Number(text) => text.parse() == Ok(4_815_162_342_u64),
        _ => false,
    }
}
