//! The files that `new` writes, as templates: texts in which `{{name}}` stands for a value.
//!
//! A template and what fills it have to fit exactly. A name without a value or a value without a place would be a fault of the program, and
//! the tests fill every template.

pub(super) const CARGO: &str = include_str!("template/Cargo.toml.in");
pub(super) const PACK: &str = include_str!("template/pack.toml.in");
pub(super) const README: &str = include_str!("template/README.md.in");
pub(super) const GITIGNORE: &str = include_str!("template/gitignore.in");
pub(super) const CI: &str = include_str!("template/rules.yml.in");
pub(super) const RULE: &str = include_str!("template/rule.rs.in");
pub(super) const FIRES: &str = include_str!("template/fires_detached.json.in");
pub(super) const QUIET: &str = include_str!("template/quiet_denied.json.in");
pub(super) const CASES: &str = include_str!("template/cases.toml.in");
pub(super) const EVENT_PATTERN: &str = include_str!("template/event_pattern.rs.in");
pub(super) const METRIC_FILTER: &str = include_str!("template/metric_filter.rs.in");
pub(super) const PATTERN_CASES: &str = include_str!("template/pattern_cases.toml.in");
/// A record that becomes another one where a pattern asks for it.
pub(super) const RECORD: &str = include_str!("template/record.json.in");

/// Fills a template. Values are put in as they are, and nothing in them is looked at again.
///
/// # Panics
///
/// Panics where the template and the values do not fit.
pub(super) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(template.len() * 2);
    let mut used = vec![false; values.len()];
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").expect("a place in a template has an end");
        let known = values.iter().position(|(known, _)| *known == name);
        let index = known.unwrap_or_else(|| panic!("nothing fills {name:?} in a template"));
        used[index] = true;
        out.push_str(before);
        out.push_str(values[index].1);
        rest = after;
    }
    out.push_str(rest);
    let unused = used.iter().position(|used| !used);
    assert!(unused.is_none(), "a template has no place for {:?}", unused.map(|index| values[index].0));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_is_filled_and_what_fills_it_is_left_alone() {
        assert_eq!(fill("a {{x}} {{y}} {{x}}", &[("x", "{{y}}"), ("y", "2")]), "a {{y}} 2 {{y}}");
    }

    #[test]
    #[should_panic(expected = "nothing fills \"y\"")]
    fn a_place_without_a_value_is_a_fault() {
        fill("{{y}}", &[]);
    }

    #[test]
    #[should_panic(expected = "no place for Some(\"x\")")]
    fn a_value_without_a_place_is_a_fault() {
        fill("", &[("x", "")]);
    }
}
