//! A request's body out of a template of the user's own.
//!
//! Whatever a template prints is written as JSON, quotation marks and all: `{"text": {{ finding.title }}}`. There is no way to print event text any
//! other way, neither by a filter nor by switching escaping off, so it can neither break the JSON nor add to it. A template that puts a value
//! between quotation marks of its own makes broken JSON of every finding, which is found when the configuration is checked.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, UndefinedBehavior, context};
use orgwatch_rules_sdk::Severity;
use serde_json::Map;

use crate::digest::Digest;
use crate::encoding::harmless_json;
use crate::escape;
use crate::finding::{EventReference, Finding, RuleReference};
use crate::sink::Delivery;

/// The longest template, in bytes.
const LONGEST: u64 = 1 << 16;

/// What rendering may cost, in units of the template engine.
const FUEL: u64 = 1_000_000;

/// The longest body, in bytes.
const BODY: usize = 1 << 20;

/// The name that the one template has.
const NAME: &str = "template";

/// A template, read and tried.
pub(super) struct Template {
    environment: Environment<'static>,
}

impl Template {
    /// Reads a template and tries it on a finding, so that what is wrong with it is found before there is one.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let shown = escape::path(path);
        let size = fs::metadata(path).map_err(|error| format!("failed to read the template `{shown}`: {error}"))?.len();
        if size > LONGEST {
            return Err(format!("the template `{shown}` is {size} bytes long, more than {LONGEST}"));
        }
        let text =
            fs::read_to_string(path).map_err(|error| format!("failed to read the template `{shown}`: {error}"))?;
        Self::new(text).map_err(|error| format!("the template `{shown}` does not work: {error}"))
    }

    pub(super) fn new(text: String) -> Result<Self, String> {
        let mut environment = Environment::new();
        environment.set_fuel(Some(FUEL));
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        // The one place where a value becomes text.
        environment.set_formatter(|out, _, value| out.write_str(&harmless_json(value)).map_err(Into::into));
        for filter in ["safe", "escape", "e", "tojson"] {
            environment.remove_filter(filter);
        }
        let text_of = |value: &Value| value.as_str().map_or_else(|| harmless_json(value), str::to_owned);
        environment.add_filter("slack", move |value: Value| escape::slack(&text_of(&value)));
        environment.add_filter("card", move |value: Value| escape::card(&text_of(&value)));
        environment.add_filter("html", move |value: Value| escape::html(&text_of(&value)));
        environment.add_filter("mail", move |value: Value| escape::mail(&text_of(&value)));
        environment.add_template_owned(NAME, text).map_err(|error| tell(&error))?;
        let template = Self { environment };
        template.render(&sample())?;
        Ok(template)
    }

    /// Writes the body for a delivery.
    pub(super) fn render(&self, delivery: &Delivery) -> Result<String, String> {
        let Delivery { finding, revision, filed, updated } = delivery;
        let values = context! {
            finding => Value::from(Serde(finding)), revision, filed => filed.to_string(), updated => updated.to_string()
        };
        let template = self.environment.get_template(NAME).map_err(|error| tell(&error))?;
        let mut body = Bounded(Vec::new());
        template.render_captured_to(values, &mut body).map_err(|error| tell(&error))?;
        let body = String::from_utf8(body.0).map_err(|_| "it makes no text".to_owned())?;
        match serde_json::from_str::<serde::de::IgnoredAny>(&body) {
            Ok(_) => Ok(body),
            Err(error) => Err(format!(
                "it makes broken JSON: {error}\nhint: a value brings its own quotation marks: {{\"text\": {{{{ finding.title }}}}}}"
            )),
        }
    }
}

fn tell(error: &minijinja::Error) -> String {
    let place = error.line().map(|line| format!(" in line {line}")).unwrap_or_default();
    let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    escape::terminal(&format!("{}{detail}{place}", error.kind()))
}

struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > BODY {
            return Err(io::Error::other(format!("the body is longer than {BODY} bytes")));
        }
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A finding with something in every field that a template may read.
fn sample() -> Delivery {
    let text = |text: &str| Some(text.to_owned());
    let digest = Digest::of("sample");
    let rule = RuleReference {
        id: "org.sample".to_owned(),
        component: "org.sample".to_owned(),
        version: "1.0.0".to_owned(),
        digest: digest.tagged(),
        settings: digest.tagged(),
        pack: text("orgwatch/sample@1.0.0"),
    };
    let event = EventReference {
        id: text("00000000-0000-4000-8000-000000000000"),
        action: "00000000-0000-4000-8000-000000000000".to_owned(),
        digest,
        time: text("2026-11-01T10:00:00Z"),
        source: text("organizations.amazonaws.com"),
        name: text("DetachPolicy"),
        account: text("111122223333"),
        region: text("us-east-1"),
        actor: text("arn:aws:iam::111122223333:user/sample"),
        source_ip: text("192.0.2.44"),
        error_code: text("AccessDenied"),
    };
    let finding = Finding {
        id: digest,
        rule: Arc::new(rule),
        title: "A \"sample\" <finding>\n& more".to_owned(),
        severity: Severity::High,
        key: "sample".to_owned(),
        event,
        details: Map::from_iter([("sample".to_owned(), "detail".into())]),
        attack: ["T1666".to_owned()].into(),
        references: ["https://example.com/".to_owned()].into(),
    };
    Delivery { finding, revision: 1, filed: Timestamp::UNIX_EPOCH, updated: Timestamp::UNIX_EPOCH }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn body(template: &str, delivery: &Delivery) -> Result<serde_json::Value, String> {
        Template::new(template.to_owned())?.render(delivery).map(|body| serde_json::from_str(&body).unwrap())
    }

    fn hostile() -> Delivery {
        let mut delivery = sample();
        delivery.finding.title = "\"}, \"admin\": true, {\"x\": \"\\\u{202e}".to_owned();
        delivery
    }

    #[test]
    fn event_text_neither_breaks_the_json_nor_adds_to_it() {
        let delivery = hostile();
        let template = r#"{"text": {{ "Finding: " ~ finding.title }}, "all": {{ finding.details }}, "none": {{ finding.nothing.at.all }},
            "n": {{ revision }}, "list": [{% for technique in finding.attack %}{{ technique }}{% if not loop.last %},{% endif %}{% endfor %}]}"#;
        let expected = json!({
            "text": format!("Finding: {}", delivery.finding.title), "all": { "sample": "detail" }, "none": null, "n": 1, "list": ["T1666"]
        });
        assert_eq!(body(template, &delivery), Ok(expected));
    }

    #[test]
    fn escaping_cannot_be_switched_off() {
        let delivery = hostile();
        let off = "{\"text\": {% autoescape false %}{{ finding.title }}{% endautoescape %}}";
        assert_eq!(body(off, &delivery), Ok(json!({ "text": delivery.finding.title })));
        for template in ["{\"text\": {{ finding.title|safe }}}", "{\"text\": {{ finding.title|tojson }}}"] {
            let error = body(template, &delivery).unwrap_err();
            assert!(error.contains("unknown filter"), "{error}");
        }
        let error = body("{\"text\": \"{{ finding.title }}\"}", &delivery).unwrap_err();
        assert!(error.contains("broken JSON"), "{error}");
    }

    #[test]
    fn a_place_of_its_own_has_a_filter() {
        let mut delivery = sample();
        delivery.finding.title = "<!channel>".to_owned();
        assert_eq!(body("{{ finding.title|slack }}", &delivery), Ok(json!("&lt;!channel&gt;")));
    }

    #[test]
    fn a_template_that_never_ends_or_never_stops_printing_is_refused() {
        let endless = "{% for a in range(9999) %}{% for b in range(9999) %}{{ a }}{% endfor %}{% endfor %}";
        let error = Template::new(endless.to_owned()).map(|_| ()).unwrap_err();
        assert!(error.contains("fuel") || error.contains("body"), "{error}");
        let long = "{% set x = 'x' * 1000000 %}[{{ x }},{{ x }}]";
        assert!(Template::new(long.to_owned()).is_err());
        assert!(Template::new("{% include '/etc/passwd' %}".to_owned()).is_err());
    }
}
