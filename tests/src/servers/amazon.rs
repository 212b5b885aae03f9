//! The calls that a test makes itself: a queue with messages, a bucket with files.

use aws_credential_types::Credentials;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sqs::types::QueueAttributeName;
use orgwatch_host::aws::AwsConfig;
use tokio::runtime::Runtime;

/// Clients of a test server.
pub(crate) struct Amazon {
    runtime: Runtime,
    sns: aws_sdk_sns::Client,
    sqs: aws_sdk_sqs::Client,
    s3: aws_sdk_s3::Client,
}

impl Amazon {
    pub(crate) fn at(url: &str) -> Self {
        let runtime = Runtime::new().expect("a runtime starts");
        let config =
            AwsConfig { region: Some("us-east-1".to_owned()), endpoint: Some(url.to_owned()), ..AwsConfig::default() };
        let config = runtime.block_on(config.load());
        let credentials = Credentials::new("111122223333", "example", None, None, "test");
        let sns = aws_sdk_sns::config::Builder::from(&config).credentials_provider(credentials.clone());
        let sqs = aws_sdk_sqs::config::Builder::from(&config).credentials_provider(credentials.clone());
        let s3 = aws_sdk_s3::config::Builder::from(&config).credentials_provider(credentials).force_path_style(true);
        Self {
            runtime,
            sns: aws_sdk_sns::Client::from_conf(sns.build()),
            sqs: aws_sdk_sqs::Client::from_conf(sqs.build()),
            s3: aws_sdk_s3::Client::from_conf(s3.build()),
        }
    }

    /// Makes a queue. Returns its URL.
    pub(crate) fn queue(&self, name: &str) -> String {
        let made = self.runtime.block_on(self.sqs.create_queue().queue_name(name).send());
        made.expect("a queue can be made").queue_url.expect("a queue has a URL")
    }

    /// Makes a queue whose messages move to another one when they were received five times.
    pub(crate) fn queue_with_redrive(&self, name: &str) -> String {
        let dead = self.queue(&format!("{name}-dead"));
        let arn = self.attribute(&dead, &QueueAttributeName::QueueArn);
        let policy = serde_json::json!({ "deadLetterTargetArn": arn, "maxReceiveCount": "5" }).to_string();
        let call = self.sqs.create_queue().queue_name(name).attributes(QueueAttributeName::RedrivePolicy, policy);
        self.runtime.block_on(call.send()).expect("a queue can be made").queue_url.expect("a queue has a URL")
    }

    /// Makes a topic whose messages go to a queue as they are. Returns its ARN.
    pub(crate) fn topic_into(&self, name: &str, queue: &str) -> String {
        let arn = self.attribute(queue, &QueueAttributeName::QueueArn);
        self.runtime.block_on(async {
            let made = self.sns.create_topic().name(name).send().await.expect("a topic can be made");
            let topic = made.topic_arn.expect("a topic has an ARN");
            let call = self.sns.subscribe().topic_arn(&topic).protocol("sqs").endpoint(arn);
            let call = call.attributes("RawMessageDelivery", "true");
            call.send().await.expect("a queue can be subscribed");
            topic
        })
    }

    /// Takes all messages out of a queue. Returns their bodies.
    pub(crate) fn drain(&self, queue: &str) -> Vec<String> {
        let mut bodies = Vec::new();
        self.runtime.block_on(async {
            loop {
                let call = self.sqs.receive_message().queue_url(queue).max_number_of_messages(10);
                let messages = call.send().await.expect("a queue can be read").messages.unwrap_or_default();
                if messages.is_empty() {
                    return;
                }
                for message in messages {
                    bodies.push(message.body.unwrap_or_default());
                    let receipt = message.receipt_handle.unwrap_or_default();
                    let call = self.sqs.delete_message().queue_url(queue).receipt_handle(receipt);
                    call.send().await.expect("a message can be deleted");
                }
            }
        });
        bodies
    }

    pub(crate) fn send(&self, queue: &str, body: &str) {
        let sent = self.runtime.block_on(self.sqs.send_message().queue_url(queue).message_body(body).send());
        sent.expect("a message can be sent");
    }

    /// Shows a message that was received and is hidden, by its receipt, so that no test waits for the time to be over.
    pub(crate) fn show(&self, queue: &str, receipt: &str) {
        let call = self.sqs.change_message_visibility().queue_url(queue).receipt_handle(receipt).visibility_timeout(0);
        // A message that is gone since cannot be shown.
        let _ = self.runtime.block_on(call.send());
    }

    /// How many messages a queue holds: those that can be received, and those that were.
    pub(crate) fn messages(&self, queue: &str) -> (u32, u32) {
        let count = |name| self.attribute(queue, &name).parse().expect("a count is a number");
        (
            count(QueueAttributeName::ApproximateNumberOfMessages),
            count(QueueAttributeName::ApproximateNumberOfMessagesNotVisible),
        )
    }

    fn attribute(&self, queue: &str, name: &QueueAttributeName) -> String {
        let call = self.sqs.get_queue_attributes().queue_url(queue).attribute_names(name.clone());
        let answer = self.runtime.block_on(call.send()).expect("a queue has attributes");
        answer.attributes().and_then(|all| all.get(name)).cloned().unwrap_or_default()
    }

    pub(crate) fn bucket(&self, name: &str) {
        self.runtime.block_on(self.s3.create_bucket().bucket(name).send()).expect("a bucket can be made");
    }

    pub(crate) fn put(&self, bucket: &str, key: &str, body: impl Into<Vec<u8>>) {
        let body = ByteStream::from(body.into());
        let put = self.runtime.block_on(self.s3.put_object().bucket(bucket).key(key).body(body).send());
        put.expect("an object can be written");
    }
}
