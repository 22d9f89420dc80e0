//! A comparison for people and for programs.

use std::io::Write;

use comfy_table::CellAlignment;
use ml_connector::reconcile::report::{Finding, FindingKind, Report, Totals};
use serde_json::{Value, json};

use super::super::failure::Failure;
use super::super::style::{self, Tone};
use super::super::{labels, time_format};

/// Findings that are listed on a terminal; all of them are in the file and in JSON.
const LISTED_MAX: usize = 50;

pub(super) fn print(report: &Report, out: &mut impl Write) -> Result<(), Failure> {
    if report.totals.is_empty() {
        let Report { from, to, .. } = report;
        writeln!(out, "Neither side has a record from {from} to {to}.")?;
    } else {
        print_totals(report, out)?;
    }
    print_findings(report, out)?;
    for cut in &report.cut {
        writeln!(out, "\nNot compared: {cut}.")?;
    }
    let differences = FindingKind::ALL.into_iter();
    let differences: u64 = differences
        .filter(|kind| kind.is_difference())
        .map(|kind| report.count(kind))
        .sum();
    let verdict = match differences {
        0 => style::coloured("All that was compared agrees.", Tone::Good),
        1 => style::coloured("1 record does not agree.", Tone::Bad),
        count => style::coloured(&format!("{count} records do not agree."), Tone::Bad),
    };
    let Report { calls, .. } = report;
    writeln!(out, "\n{verdict} It took {calls} requests, reads only.")?;
    Ok(())
}

fn print_totals(report: &Report, out: &mut impl Write) -> Result<(), Failure> {
    let mut heads = vec![
        "flow", "month", "currency", "sources", "sum", "targets", "sum",
    ];
    heads.push("same");
    heads.extend(FindingKind::ALL.map(FindingKind::as_str));
    let mut table = style::table(&heads);
    for totals in &report.totals {
        table.add_row(row(totals));
    }
    for column in table.column_iter_mut().skip(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    writeln!(out, "{}", table.trim_fmt())?;
    Ok(())
}

fn row(totals: &Totals) -> Vec<String> {
    let mut row = vec![
        totals.flow.clone(),
        named(&totals.month),
        named(&totals.currency),
        totals.sources.to_string(),
        totals.source_amount.clone(),
        totals.targets.to_string(),
        totals.target_amount.clone(),
        totals.same.to_string(),
    ];
    row.extend(FindingKind::ALL.map(|kind| {
        let count = totals.found.get(&kind);
        count.copied().unwrap_or_default().to_string()
    }));
    row
}

/// A month or currency that no record names.
fn named(text: &str) -> String {
    match text {
        "" => "-".to_owned(),
        text => text.to_owned(),
    }
}

fn print_findings(report: &Report, out: &mut impl Write) -> Result<(), Failure> {
    for finding in report.findings.iter().take(LISTED_MAX) {
        print_finding(finding, out)?;
    }
    let more = report.findings.len().saturating_sub(LISTED_MAX);
    if more > 0 {
        writeln!(
            out,
            "\n... and {more} more; --csv FILE or --json has all of them."
        )?;
    }
    Ok(())
}

fn print_finding(finding: &Finding, out: &mut impl Write) -> Result<(), Failure> {
    let tone = match finding.kind {
        kind if kind.is_difference() => Tone::Bad,
        FindingKind::Foreign => Tone::Plain,
        _ => Tone::Waiting,
    };
    let word = style::coloured(finding.kind.as_str(), tone);
    let objects = finding.source.iter().chain(&finding.targets);
    let objects: Vec<String> = objects.map(labels::object).collect();
    let amount = finding.amount.as_ref();
    let amount = amount.map(|amount| format!("{amount} {}", finding.currency));
    let facts = [&finding.number, &finding.party, &amount, &finding.date];
    let facts: Vec<&str> = facts.into_iter().flatten().map(String::as_str).collect();
    writeln!(out, "\n{word}  {}", objects.join(" - "))?;
    writeln!(out, "  {}", facts.join(", "))?;
    let code = finding.code.as_ref();
    let code = code.map_or_else(String::new, |code| format!(" ({code})"));
    writeln!(out, "  {}{code}", finding.message)?;
    for one in &finding.differences {
        let side = |side: &Option<String>| match side {
            Some(value) => format!("\"{value}\""),
            None => "nothing".to_owned(),
        };
        let (source, target) = (side(&one.source), side(&one.target));
        writeln!(
            out,
            "    {}: {source} should be there, {target} is",
            one.field
        )?;
    }
    Ok(())
}

/// A comparison for programs: docs/operating.md has the names.
pub(super) fn json(report: &Report) -> Result<String, Failure> {
    let findings: Vec<Value> = report.findings.iter().map(finding_json).collect();
    let all = json!({
        "connection": report.connection,
        "from": report.from,
        "to": report.to,
        "at_ms": report.at_ms,
        "at": time_format::date_time(report.at_ms),
        "calls": report.calls,
        "clean": report.is_clean(),
        "cut": report.cut,
        "totals": report.totals,
        "findings": findings,
    });
    Ok(serde_json::to_string_pretty(&all)?)
}

fn finding_json(finding: &Finding) -> Value {
    let targets: Vec<String> = finding.targets.iter().map(labels::object).collect();
    json!({
        "kind": finding.kind,
        "flow": finding.flow,
        "month": finding.month,
        "currency": finding.currency,
        "source": finding.source.as_ref().map(labels::object),
        "targets": targets,
        "number": finding.number,
        "party": finding.party,
        "date": finding.date,
        "amount": finding.amount,
        "differences": finding.differences,
        "code": finding.code,
        "message": finding.message,
    })
}
