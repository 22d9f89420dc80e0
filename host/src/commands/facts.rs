//! What people call an object, for columns and for programs.

use ml_connector::contract::runs::Facts;
use ml_connector::store::Run;

/// The heads of the columns that [`columns`] fills.
pub(super) const HEADS: [&str; 4] = ["number", "party", "amount", "date"];

/// What is known of the run's object: of its own completion, else of an earlier run.
pub(super) fn of_run(run: &Run) -> Facts {
    let own = run.completion.as_ref().map(|completion| &completion.facts);
    own.cloned().unwrap_or(Facts::NONE).or_earlier(&run.facts)
}

/// Number, party, amount with its currency, and date; empty where they are not known.
pub(super) fn columns(facts: &Facts) -> [String; 4] {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let amount = match (&facts.amount, &facts.currency) {
        (Some(amount), Some(currency)) => format!("{amount} {currency}"),
        (amount, _) => text(amount),
    };
    [
        text(&facts.number),
        text(&facts.party),
        amount,
        text(&facts.date),
    ]
}

/// The same as one line, such as `2093, Northwind Paper, 90.00 CAD, 2026-02-27`; empty where
/// nothing is known.
pub(super) fn line(facts: &Facts) -> String {
    let known: Vec<String> = columns(facts)
        .into_iter()
        .filter(|column| !column.is_empty())
        .collect();
    known.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_shown_and_nothing_else() {
        let facts = Facts {
            number: Some("2093".into()),
            amount: Some("90.00".into()),
            currency: Some("CAD".into()),
            ..Facts::NONE
        };
        assert_eq!(line(&facts), "2093, 90.00 CAD");
        assert_eq!(line(&Facts::NONE), "");
    }
}
