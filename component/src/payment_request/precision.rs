//! How exactly the amounts of one document are judged and written.

use alloc::string::String;

use rust_decimal::Decimal;

use crate::freshbooks::Document;
use crate::money::{self, WRITTEN_DECIMALS};

/// The digits after the point of one document.
///
/// FreshBooks writes two, whatever the currency (source: freshbooks-sdks). Whether it rounds to the
/// currency's own is not documented, so the document says: a coarse one has no amount with more
/// digits than two or the currency's, whichever are fewer; a fine one has more.
#[derive(Debug, Clone, Copy)]
pub(super) struct Precision {
    /// The digits that the document's amounts have; they are computed and compared with as many.
    decimals: u32,
    /// The digits that SAP Concur is given: the currency's, or more where the document has more.
    sent: u32,
    /// The most that an amount may have.
    max: u32,
}

impl Precision {
    pub(super) fn of(document: &Document) -> Self {
        let minor_units = money::minor_units(&document.currency).unwrap_or(WRITTEN_DECIMALS);
        let coarse = minor_units.min(WRITTEN_DECIMALS);
        let max = minor_units.max(WRITTEN_DECIMALS);
        let stated = document.lines.iter().filter_map(|line| line.amount);
        let mut amounts = stated.chain([document.total, document.discount]);
        let decimals = match amounts.all(|amount| money::fits(amount, coarse)) {
            true => coarse,
            false => max,
        };
        Self {
            decimals,
            sent: minor_units.max(decimals),
            max,
        }
    }

    /// The most digits that an amount may have.
    pub(super) fn decimals_max(self) -> u32 {
        self.max
    }

    /// Whether the amount has no more digits than it may have.
    pub(super) fn fits(self, amount: Decimal) -> bool {
        money::fits(amount, self.max)
    }

    /// Rounds as FreshBooks did in this document.
    pub(super) fn round(self, amount: Decimal) -> Decimal {
        money::round(amount, self.decimals)
    }

    /// The smallest amount that this document can tell: two roundings differ by at most so much.
    pub(super) fn cent(self) -> Decimal {
        money::cent(self.decimals)
    }

    /// The amount as SAP Concur is given it.
    pub(super) fn wire(self, amount: Decimal) -> String {
        money::wire(amount, self.sent)
    }
}
