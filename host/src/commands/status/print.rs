//! How connections stand, for a person.

use std::io::Write;

use ml_connector::contract::credentials::{CredentialStatus, RefreshPlan};
use ml_connector::contract::pacing::Gate;
use ml_connector::contract::runs::{Ending, EndingKind};
use ml_connector::contract::types::Instant;
use ml_connector::engine::numbered_remedy;
use ml_connector::reconcile::schedule::LastComparison;
use ml_connector::store::{Run, RunCount, RunState};

use super::super::failure::Failure;
use super::super::style::{self, Tone};
use super::super::{facts, labels, runs, time_format};
use super::{ConnectionStanding, CredentialStanding, Surroundings, events, queues};

pub(super) fn print(
    standings: &[ConnectionStanding],
    surroundings: &Surroundings,
    now: Instant,
    out: &mut impl Write,
) -> Result<(), Failure> {
    if !surroundings.is_running {
        let text = style::coloured(labels::NO_SERVICE, Tone::Bad);
        writeln!(out, "{text}\n")?;
    }
    for (index, standing) in standings.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        print_one(standing, now, out)?;
    }
    for orphan in &surroundings.orphans {
        let head = format!("Connection {}", orphan.connection);
        writeln!(out, "\n{}", style::coloured(&head, Tone::Waiting))?;
        writeln!(out, "  {orphan}.")?;
    }
    if let Some(component) = &surroundings.component {
        writeln!(out, "\n{}", labels::component(component))?;
    }
    Ok(())
}

fn print_one(
    standing: &ConnectionStanding,
    now: Instant,
    out: &mut impl Write,
) -> Result<(), Failure> {
    writeln!(out, "Connection {}", standing.name)?;
    for damage in &standing.damage {
        let text = style::coloured(&format!("Damaged: {damage}"), Tone::Bad);
        writeln!(out, "  {text}. Run: ml-connector check --store")?;
    }
    for credential in &standing.credentials {
        print_credential(&standing.name, credential, now, out)?;
    }
    for problem in &standing.client_secrets {
        writeln!(out, "  {}", style::coloured(problem, Tone::Bad))?;
    }
    for gate in &standing.held {
        print_gate(gate, now, out)?;
    }
    if let Some(events) = &standing.events {
        events::print(events, now, out)?;
    }
    queues::print(&standing.queues, now, out)?;
    print_counts(&standing.counts, out)?;
    if let Some(compared) = &standing.compared {
        print_compared(compared, now, out)?;
    }
    if let Some(run) = &standing.oldest_open {
        print_oldest(run, now, out)?;
    }
    print_needs_person(standing, out)
}

/// What the last comparison on the schedule came to.
fn print_compared(
    compared: &LastComparison,
    now: Instant,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let LastComparison { from, to, .. } = compared;
    let when = time_format::relative(compared.at_ms, now);
    let (text, tone) = match (&compared.failure, compared.differences()) {
        (Some(why), _) => (format!("failed: {why}"), Tone::Bad),
        (None, 0) => ("all agrees".to_owned(), Tone::Good),
        (None, count) => {
            let command = format!("ml-connector reconcile --from {from} --to {to}");
            (
                format!("{count} records do not agree; run: {command}"),
                Tone::Bad,
            )
        }
    };
    let text = style::coloured(&text, tone);
    writeln!(
        out,
        "  Both systems compared {when}, {from} to {to}: {text}"
    )?;
    Ok(())
}

fn print_credential(
    connection: &str,
    standing: &CredentialStanding,
    now: Instant,
    out: &mut impl Write,
) -> Result<(), Failure> {
    const INDENT: &str = "              ";
    let status = standing.credential.as_ref().map(|one| &one.status);
    let status = status.unwrap_or(&CredentialStatus::Absent);
    let (word, tone) = labels::credential_status(status);
    let (name, word) = (standing.system.display_name(), style::coloured(word, tone));
    let plan = standing.plan.as_ref();
    // One that is not live needs a person now, which the lines below say.
    let live = plan.filter(|_| *status == CredentialStatus::Live);
    let dates = live.map_or_else(String::new, |plan| dates(plan, now));
    writeln!(out, "  {name:<11} {word}{dates}")?;
    let message = match (status, plan) {
        (CredentialStatus::Dead(why), _) => why,
        (CredentialStatus::Live, Some(plan)) => &plan.message,
        _ => "",
    };
    if !message.is_empty() {
        writeln!(out, "{INDENT}{message}")?;
    }
    if *status != CredentialStatus::Live && !standing.is_closed {
        let system = standing.system.as_str();
        writeln!(
            out,
            "{INDENT}Run: ml-connector connect {system} --connection {connection}"
        )?;
    }
    Ok(())
}

/// When a person is needed, and when the next refresh is due.
fn dates(refresh_plan: &RefreshPlan, now: Instant) -> String {
    let needs_you = refresh_plan.reconnect_by.map_or_else(String::new, |by| {
        let (day, relative) = (time_format::day(by), time_format::relative(by, now));
        let text = if by > now {
            format!("needs you by {day} ({relative})")
        } else {
            format!("needs you now, since {day} ({relative})")
        };
        format!(", {}", style::coloured(&text, Tone::Waiting))
    });
    let refresh = refresh_plan
        .refresh_at
        .filter(|at| *at > now)
        .map_or_else(String::new, |at| {
            format!(
                ", refreshed automatically {}",
                time_format::relative(at, now)
            )
        });
    needs_you + &refresh
}

fn print_gate(gate: &Gate, now: Instant, out: &mut impl Write) -> Result<(), Failure> {
    let Some(hold) = gate.hold else {
        return Ok(());
    };
    let what = format!("requests to {} are held back", gate.system.display_name());
    writeln!(
        out,
        "  {} until {} ({}): {}; no record loses an attempt",
        style::coloured(&what, Tone::Waiting),
        time_format::date_time(hold.until),
        time_format::relative(hold.until, now),
        labels::hold_reason(hold.reason)
    )?;
    Ok(())
}

fn print_counts(counts: &[RunCount], out: &mut impl Write) -> Result<(), Failure> {
    if counts.is_empty() {
        writeln!(out, "  No run yet.")?;
        return Ok(());
    }
    let mut table = style::table(&["  standing", "objects", "runs"]);
    for count in counts {
        let (word, tone) = labels::standing(count.state, count.ending);
        let begun = (count.objects - count.planned, count.runs - count.planned);
        let planned = (count.planned, count.planned);
        for (word, tone, (objects, runs)) in [(word, tone, begun), ("planned", tone, planned)] {
            if runs > 0 {
                table.add_row([
                    style::cell(format!("  {word}"), tone),
                    style::cell(objects, Tone::Plain),
                    style::cell(runs, Tone::Plain),
                ]);
            }
        }
    }
    writeln!(out, "{}", table.trim_fmt())?;
    Ok(())
}

fn print_oldest(run: &Run, now: Instant, out: &mut impl Write) -> Result<(), Failure> {
    let why = match run.wait_reason {
        Some(reason) if run.state == RunState::Waiting => {
            format!("waits {}", labels::wait_reason(reason))
        }
        None if run.state == RunState::Waiting => "waits to look again".to_string(),
        _ => "is due".to_string(),
    };
    writeln!(
        out,
        "  Oldest that has not ended: run {} of {}, started {}, {why}. {}",
        run.id,
        labels::object(&run.object),
        time_format::relative(run.started, now),
        runs::message(run)
    )?;
    Ok(())
}

fn print_needs_person(standing: &ConnectionStanding, out: &mut impl Write) -> Result<(), Failure> {
    let (name, count) = (&standing.name, standing.needs_person_count());
    let listed = &standing.needs_person;
    if listed.is_empty() {
        return Ok(());
    }
    let things = if count == 1 {
        "1 object needs".to_string()
    } else {
        format!("{count} objects need")
    };
    writeln!(
        out,
        "  {}:",
        style::coloured(&format!("{things} a person"), Tone::Bad)
    )?;
    for run in listed {
        print_stopped(run, out)?;
    }
    if count > listed.len() as u64 {
        let endings = "parked,rejected,conflict";
        writeln!(
            out,
            "    All of them: ml-connector runs --latest --ending {endings} --connection {name}"
        )?;
    }
    if listed
        .iter()
        .any(|run| runs::ending(run) == Some(EndingKind::Parked))
    {
        writeln!(
            out,
            "    Once fixed: ml-connector replay --parked --connection {name}"
        )?;
    }
    Ok(())
}

fn print_stopped(run: &Run, out: &mut impl Write) -> Result<(), Failure> {
    let (word, tone) = labels::standing(run.state, runs::ending(run));
    let (object, word) = (labels::object(&run.object), style::coloured(word, tone));
    let called = facts::line(&facts::of_run(run));
    let called = match called.as_str() {
        "" => String::new(),
        called => format!(" ({called})"),
    };
    writeln!(
        out,
        "    run {} {object}{called} {word}: {}",
        run.id,
        runs::message(run)
    )?;
    if let Some(remedy) = remedy(run).map(|remedy| numbered_remedy(remedy, run.id)) {
        writeln!(out, "      What to do: {remedy}")?;
    }
    Ok(())
}

fn remedy(run: &Run) -> Option<&str> {
    match &run.completion.as_ref()?.ending {
        Ending::Rejected(failure) | Ending::Parked(failure) => Some(&failure.remedy),
        Ending::Conflict(conflict) => Some(&conflict.remedy),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = 1_795_466_752_123;

    #[test]
    fn a_person_is_needed_by_a_day_or_now() {
        let said = |by| {
            let plan = RefreshPlan {
                refresh_at: None,
                reconnect_by: Some(by),
                message: String::new(),
            };
            dates(&plan, NOW)
        };
        assert!(said(NOW + 60_000).contains("needs you by 2026-11-23 (in 1 min)"));
        for by in [NOW, NOW - 500] {
            assert!(said(by).contains("needs you now, since 2026-11-23 (now)"));
        }
        assert!(said(NOW - 60_000).contains("needs you now, since 2026-11-23 (1 min ago)"));
    }
}
