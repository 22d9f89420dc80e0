//! What an object is to a person, as far as it could be read.

use alloc::string::String;

use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::concur::{Digest, PaymentRequest, member_text};
use crate::contract::runs::Facts;
use crate::financial::Head;
use crate::freshbooks::{Document, Party};
use crate::money::{self, WRITTEN_DECIMALS};
use crate::text::non_empty;

impl Document {
    /// Its number, party, total and date.
    pub(crate) fn facts(&self) -> Facts {
        let total = self.amounts_known.then_some(self.total);
        Facts {
            number: self.number.clone(),
            party: self.party_name.clone(),
            amount: total.and_then(|total| amount(total, &self.currency)),
            currency: non_empty(self.currency.as_str()),
            date: self.issued.clone(),
        }
    }
}

impl Party {
    /// Its name; a party has no amounts and no date.
    pub(crate) fn facts(&self) -> Facts {
        let names = [&self.first_name, &self.last_name];
        let person = names.map(|name| name.as_deref().unwrap_or_default());
        let person = non_empty(person.join(" ").trim());
        Facts {
            party: self.name.clone().or(person),
            ..Facts::default()
        }
    }
}

impl Head {
    /// Its name, employee or vendor, total and day.
    pub(crate) fn facts(&self) -> Facts {
        Facts {
            number: non_empty(self.title.as_str()).or_else(|| non_empty(self.source_id.as_str())),
            party: self.party.clone(),
            amount: self.total.and_then(|total| amount(total, &self.currency)),
            currency: non_empty(self.currency.as_str()),
            date: self.date.clone(),
        }
    }
}

impl Digest {
    /// Its number, vendor, total and day.
    pub(crate) fn facts(&self) -> Facts {
        shown([
            &self.number,
            &self.vendor_name,
            &self.total,
            &self.currency,
            &self.date,
        ])
    }
}

impl PaymentRequest {
    /// Its number, vendor, total and day.
    pub(crate) fn facts(&self) -> Facts {
        let names = [
            "InvoiceNumber",
            "InvoiceAmount",
            "CurrencyCode",
            "InvoiceDate",
        ];
        let [number, total, currency, date] = names.map(|name| member_text(&self.header, name));
        shown([&number, &self.vendor_name, &total, &currency, &date])
    }
}

/// What SAP Concur shows: number, party, total, currency and date, as it writes them.
fn shown([number, party, total, currency, date]: [&String; 5]) -> Facts {
    let total = money::parse(total);
    let day = date.get(..10).filter(|day| day.parse::<Date>().is_ok());
    Facts {
        number: non_empty(number.as_str()),
        party: non_empty(party.as_str()),
        amount: total.and_then(|total| amount(total, currency)),
        currency: non_empty(currency.as_str()),
        date: day.map(String::from),
    }
}

/// The amount with the digits of its currency, or with those that FreshBooks writes; none where the
/// currency is not known, or where it has more digits than either.
fn amount(amount: Decimal, currency: &str) -> Option<String> {
    let minor_units = money::minor_units(currency)?;
    let mut decimals = [minor_units, WRITTEN_DECIMALS].into_iter();
    let decimals = decimals.find(|decimals| money::fits(amount, *decimals))?;
    Some(money::wire(amount, decimals))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::concur::DocumentType;
    use crate::financial::head;
    use crate::financial::tests::{CASH_ADVANCE, EXPENSE, INVOICE, PAYROLL};

    fn facts_of(facts: &Facts) -> [&str; 5] {
        let Facts {
            number,
            party,
            amount,
            currency,
            date,
        } = facts;
        [number, party, amount, currency, date].map(|fact| fact.as_deref().unwrap_or("-"))
    }

    #[test]
    fn every_financial_document_says_what_it_is_to_a_person() {
        for (kind, document, expected) in [
            (
                DocumentType::Expense,
                EXPENSE,
                ["February travel", "Sam Doe", "280.00", "CAD", "2026-03-03"],
            ),
            (
                DocumentType::CashAdvance,
                CASH_ADVANCE,
                ["Trade fair", "Sam Doe", "300.00", "CAD", "2026-01-21"],
            ),
            (
                DocumentType::Payroll,
                PAYROLL,
                ["February travel", "Sam Doe", "54.00", "CAD", "-"],
            ),
        ] {
            let head = head(kind, document).expect("is read");
            assert_eq!(facts_of(&head.facts()), expected);
        }
        let invoice = head(DocumentType::Invoice, INVOICE).expect("is read");
        assert_eq!(
            invoice.facts().party.as_deref(),
            Some("Northwind Paper Ltd")
        );
        assert_eq!(invoice.facts().currency.as_deref(), Some("CAD"));
    }

    #[test]
    fn an_amount_has_the_digits_of_its_currency_or_is_not_known() {
        for (number, currency, expected) in [
            ("5", "CAD", Some("5.00")),
            ("5", "JPY", Some("5")),
            ("5.50", "JPY", Some("5.50")),
            ("5.0000", "KWD", Some("5.000")),
            ("5.005", "CAD", None),
            ("5", "", None),
        ] {
            let number = money::parse(number).expect("is a number");
            assert_eq!(amount(number, currency).as_deref(), expected);
        }
    }
}
