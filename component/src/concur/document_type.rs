//! The types of financial documents (source: concur-financial-integration).

/// A type of financial document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DocumentType {
    /// An expense report, with what each of its rows costs.
    Expense,
    /// An invoice of a supplier: in Concur's words a payment request.
    Invoice,
    /// A cash advance that was issued.
    CashAdvance,
    /// What a report hands to payroll.
    Payroll,
}

impl DocumentType {
    /// Every type, in the order in which people list them.
    pub const ALL: [Self; 4] = [
        Self::Expense,
        Self::Invoice,
        Self::CashAdvance,
        Self::Payroll,
    ];

    /// The type of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Its name in settings and ids, such as `cash-advance`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CashAdvance => "cash-advance",
            other => other.wire_name(),
        }
    }

    /// Its name as a key of the settings.
    #[must_use]
    pub fn setting(self) -> &'static str {
        match self {
            Self::CashAdvance => "cash_advance",
            other => other.wire_name(),
        }
    }

    /// Its name in paths and rows (source: concur-financial-integration).
    #[must_use]
    pub fn wire_name(self) -> &'static str {
        match self {
            Self::Expense => "expense",
            Self::Invoice => "invoice",
            Self::CashAdvance => "cashadvance",
            Self::Payroll => "payroll",
        }
    }
}
