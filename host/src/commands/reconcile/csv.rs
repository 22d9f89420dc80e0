//! What a comparison has found, as a file for spreadsheets.

use std::fmt::Write as _;

use ml_connector::contract::types::ObjectRef;
use ml_connector::reconcile::report::{Difference, Finding, Report};

use super::super::labels;

const HEAD: &str = "kind,flow,month,currency,source,targets,number,party,date,amount,field,\
                    source_value,target_value,code,message";

/// The head, then a line for each field that differs, and one for each other finding.
pub(super) fn lines(report: &Report) -> String {
    let mut text = format!("{HEAD}\r\n");
    for finding in &report.findings {
        if finding.differences.is_empty() {
            line(&mut text, finding, None);
        }
        for difference in &finding.differences {
            line(&mut text, finding, Some(difference));
        }
    }
    text
}

fn line(text: &mut String, finding: &Finding, difference: Option<&Difference>) {
    let targets: Vec<String> = finding.targets.iter().map(labels::object).collect();
    let (targets, source) = (targets.join(" "), finding.source.as_ref());
    let source = source.map(|object: &ObjectRef| labels::object(object));
    let shown = |text: &Option<String>| text.clone().unwrap_or_default();
    let of_difference = |value: fn(&Difference) -> Option<&String>| {
        let value = difference.and_then(value);
        value.cloned().unwrap_or_default()
    };
    let values = [
        finding.kind.as_str().to_owned(),
        finding.flow.clone(),
        finding.month.clone(),
        finding.currency.clone(),
        source.unwrap_or_default(),
        targets,
        shown(&finding.number),
        shown(&finding.party),
        shown(&finding.date),
        shown(&finding.amount),
        of_difference(|one| Some(&one.field)),
        of_difference(|one| one.source.as_ref()),
        of_difference(|one| one.target.as_ref()),
        shown(&finding.code),
        finding.message.clone(),
    ];
    let cells: Vec<String> = values.iter().map(|value| cell(value)).collect();
    let _ = write!(text, "{}\r\n", cells.join(","));
}

/// A value as a cell. What a spreadsheet would take for a formula is text for it with a quote in
/// front: names come from people outside. A negative amount stays one.
fn cell(value: &str) -> String {
    let is_number = value
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-'));
    let is_formula = value.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number;
    let value = match is_formula {
        true => format!("'{value}"),
        false => value.to_owned(),
    };
    match value.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", value.replace('"', "\"\"")),
        false => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_never_formulas() {
        for (value, expected) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("=SUM(A1)", "'=SUM(A1)"),
            ("-5.00", "-5.00"),
            ("-x", "'-x"),
            ("", ""),
        ] {
            assert_eq!(cell(value), expected);
        }
        assert_eq!(HEAD.split(',').count(), 15);
    }
}
