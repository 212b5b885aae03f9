//! The program's log, on standard error.

use std::fmt::Write as _;
use std::io::{self, Write};

use opentelemetry_sdk::trace::SdkTracer;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::escape::{self, is_deceptive};

/// The form of the logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

/// What is logged, from this level on.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Everything
    Debug,
    /// What happens
    #[default]
    Info,
    /// What is odd
    Warn,
    /// What is wrong
    Error,
}

/// Starts the log, and the traces where a tracer is given. Only the first start of a process counts.
pub fn start_log(format: LogFormat, level: LogLevel, tracer: Option<SdkTracer>) {
    let own = match level {
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Error => LevelFilter::ERROR,
    };
    // Libraries speak of matters of their own; what concerns the operator the program says itself.
    let filter = Targets::new().with_target("orgwatch_host", own).with_default(LevelFilter::ERROR);
    let lines = tracing_subscriber::fmt::layer().with_writer(Harmless { format }).with_ansi(false).with_target(false);
    let lines = match format {
        LogFormat::Text => lines.with_filter(filter).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_filter(filter).boxed(),
    };
    let spans = tracer.map(|tracer| {
        let filter = Targets::new().with_target("orgwatch_host", LevelFilter::INFO);
        tracing_opentelemetry::layer().with_tracer(tracer).with_filter(filter)
    });
    let _ = tracing_subscriber::registry().with(lines).with(spans).try_init();
}

/// Writes entries to standard error with everything escaped that could deceive a reader: one entry is one line.
#[derive(Clone, Copy)]
struct Harmless {
    format: LogFormat,
}

impl<'a> MakeWriter<'a> for Harmless {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        *self
    }
}

impl Write for Harmless {
    fn write(&mut self, entry: &[u8]) -> io::Result<usize> {
        io::stderr().lock().write_all(harmless(&String::from_utf8_lossy(entry), self.format).as_bytes())?;
        Ok(entry.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

fn harmless(entry: &str, format: LogFormat) -> String {
    let line = entry.strip_suffix('\n').unwrap_or(entry);
    let mut out = match format {
        LogFormat::Text => escape::log(line),
        LogFormat::Json => {
            let mut out = String::with_capacity(entry.len());
            for character in line.chars() {
                if is_deceptive(character) {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        // Writing to a String cannot fail.
                        let _ = write!(out, "\\u{unit:04x}");
                    }
                } else {
                    out.push(character);
                }
            }
            out
        }
    };
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_one_line_and_shows_nothing_that_deceives() {
        let entry = "WARN a\nERROR forged\x1b[2J\u{202e}é\n";
        assert_eq!(harmless(entry, LogFormat::Text), "WARN a\\u{a}ERROR forged\\u{1b}[2J\\u{202e}é\n");
        assert_eq!(harmless("{\"m\":\"\u{e0041}\"}\n", LogFormat::Json), "{\"m\":\"\\udb40\\udc41\"}\n");
    }
}
