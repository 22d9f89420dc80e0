//! The documents as they stand on the wire: borrowed, unknown members skipped, every scalar left as
//! its own text.
//!
//! Scalars are strings or numbers as the document pleases, objects stand where lists are documented
//! and the other way round, and null is frequent. (Concur docs, financial documents schema;
//! samples.)

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// A scalar, or nothing.
pub(super) type Raw<'a> = Option<&'a RawValue>;

/// A scalar's text without white space around it; nothing if it is null, empty or no scalar.
pub(super) fn text(raw: Raw<'_>) -> Option<Cow<'_, str>> {
    let raw = raw?.get();
    let text = match raw.as_bytes().first()? {
        b'"' => unquoted(raw)?,
        b'{' | b'[' | b'n' => return None,
        _ => Cow::Borrowed(raw),
    };
    let text = match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_string()),
    };
    (!text.is_empty()).then_some(text)
}

/// The texts of a list of scalars, or of one scalar.
pub(super) fn texts(raw: Raw<'_>) -> Vec<Cow<'_, str>> {
    let list = raw.filter(|raw| raw.get().starts_with('['));
    match list.map(|list| serde_json::from_str::<Vec<Raw>>(list.get())) {
        Some(items) => items
            .unwrap_or_default()
            .into_iter()
            .filter_map(text)
            .collect(),
        None => text(raw).into_iter().collect(),
    }
}

/// Whether a scalar says yes: `Y` as documented, and what other writers put there.
pub(super) fn is_yes(raw: Raw) -> bool {
    matches!(text(raw).as_deref(), Some("Y" | "y" | "true" | "1"))
}

fn unquoted(raw: &str) -> Option<Cow<'_, str>> {
    if raw.contains('\\') {
        return serde_json::from_str::<String>(raw).ok().map(Cow::Owned);
    }
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    Some(Cow::Borrowed(inner))
}

/// A list; one object counts as a list of one, and an empty text as an empty list.
#[derive(Debug)]
pub(super) struct Many<T>(pub(super) Vec<T>);

impl<T> Default for Many<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for Read<T> {
            type Value = Many<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("a list or an object")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Many<T>, A::Error> {
                let mut many = Vec::new();
                while let Some(item) = items.next_element::<Option<T>>()? {
                    many.push(item.unwrap_or_default());
                }
                Ok(Many(many))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Many<T>, E> {
                match text.trim() {
                    "" => Ok(Many::default()),
                    _ => Err(E::invalid_type(serde::de::Unexpected::Str(text), &self)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Many<T>, A::Error> {
                let item = T::deserialize(serde::de::value::MapAccessDeserializer::new(members))?;
                Ok(Many(alloc::vec![item]))
            }
        }

        deserializer.deserialize_any(Read(PhantomData))
    }
}

/// A member such as `allocationCustom4Code`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Custom<'a> {
    pub(super) number: u8,
    /// Whether it is the code, and not the name that people read.
    pub(super) is_code: bool,
    pub(super) value: &'a RawValue,
}

impl Custom<'_> {
    /// Number and kind out of what follows the prefix, such as `4Code`.
    fn place(name: &str) -> Option<(u8, bool)> {
        let (number, is_code) = match name.strip_suffix("Code") {
            Some(number) => (number, true),
            None => (name.strip_suffix("Value")?, false),
        };
        Some((number.parse().ok()?, is_code))
    }
}

struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Name<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name.to_string())))
            }
        }

        deserializer.deserialize_str(Read)
    }
}

/// Null leaves the member as it is.
fn take<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    member: &mut T,
    members: &mut A,
) -> Result<(), A::Error> {
    if let Some(value) = members.next_value::<Option<T>>()? {
        *member = value;
    }
    Ok(())
}

/// An object whose members are named; with a prefix, also every custom field that begins with it.
macro_rules! object {
    ($name:ident { $($member:ident: $type:ty = $key:literal,)* $(..$customs:ident = $prefix:literal)? }) => {
        #[derive(Debug, Default)]
        pub(super) struct $name<'a> {
            $(pub(super) $member: $type,)*
            $(pub(super) $customs: Vec<Custom<'a>>,)?
        }

        impl<'de: 'a, 'a> Deserialize<'de> for $name<'a> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Read<'a>(PhantomData<&'a ()>);

                impl<'de: 'a, 'a> Visitor<'de> for Read<'a> {
                    type Value = $name<'a>;

                    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                        formatter.write_str("an object")
                    }

                    fn visit_map<A: MapAccess<'de>>(
                        self,
                        mut members: A,
                    ) -> Result<$name<'a>, A::Error> {
                        let mut object = $name::default();
                        while let Some(Name(name)) = members.next_key()? {
                            match &*name {
                                $($key => take(&mut object.$member, &mut members)?,)*
                                _name => {
                                    $(if let Some(rest) = _name.strip_prefix($prefix)
                                        && let Some((number, is_code)) = Custom::place(rest)
                                    {
                                        let value = members.next_value::<Raw>()?;
                                        object.$customs.extend(value.map(|value| Custom { number, is_code, value }));
                                        continue;
                                    })?
                                    members.next_value::<IgnoredAny>()?;
                                }
                            }
                        }
                        Ok(object)
                    }
                }

                deserializer.deserialize_map(Read(PhantomData))
            }
        }
    };
}

// What is needed of any document before it is translated.
object!(Heads {
    report: Report<'a> = "report",
    request: RequestHeader<'a> = "requestHeader",
    advance: CashAdvanceData<'a> = "cashAdvanceData",
});

object!(ExpenseDocument {
    employee: Employee<'a> = "employee",
    report: Report<'a> = "report",
    entries: Many<ExpenseEntry<'a>> = "expenseEntry",
    applications: Many<Application<'a>> = "cashAdvanceApplication",
});

object!(Employee {
    id: Raw<'a> = "employeeId",
});

object!(Report {
    id: Raw<'a> = "reportId",
    name: Raw<'a> = "reportName",
    currency: Raw<'a> = "employeeCurrencyAlphaCode",
    is_test: Raw<'a> = "isTest",
    total: Raw<'a> = "totalApprovedAmount",
    revision: Raw<'a> = "revisionNumber",
    processed: Raw<'a> = "reportPaymentProcessingDate",
    submitted: Raw<'a> = "reportSubmitDate",
    ended: Raw<'a> = "reportEndDate",
    created: Raw<'a> = "reportCreationDate",
});

object!(ExpenseEntry {
    expense_type: Raw<'a> = "expenseTypeCode",
    expense_type_name: Raw<'a> = "expenseTypeName",
    date: Raw<'a> = "entryDate",
    approved: Raw<'a> = "entryApprovedAmount",
    is_personal: Raw<'a> = "entryIsPersonal",
    payment_type: Raw<'a> = "reportEntryPatKey",
    liability_account: Raw<'a> = "liabilityAccountCode",
    allocations: Many<Allocation<'a>> = "allocation",
    payroll: Many<PayrollData<'a>> = "payrollData",
    ..customs = "entryCustom"
});

object!(Allocation {
    rows: Many<Row<'a>> = "journal",
    taxes: Many<Tax<'a>> = "tax",
    ..customs = "allocationCustom"
});

object!(Row {
    payer: Raw<'a> = "journalPayer",
    payee: Raw<'a> = "journalPayee",
    account: Raw<'a> = "journalAccountCode",
    currency: Raw<'a> = "currencyAlphaCode",
    gross: Raw<'a> = "amountGross",
    net_of_reclaim: Raw<'a> = "amountNetOfReclaim",
    taxes: Raw<'a> = "taxGuid",
});

object!(Tax {
    guid: Raw<'a> = "taxGuid",
    authority: Raw<'a> = "taxAuthorityLabel",
    code: Raw<'a> = "taxCode",
    reclaim_code: Raw<'a> = "taxReclaimCode",
    reclaim: Raw<'a> = "amountReclaim",
});

object!(Application {
    amount: Raw<'a> = "cashAdvanceApplicationAmount",
    account: Raw<'a> = "cashAdvanceClearingAccountCode",
    kind: Raw<'a> = "cashAdvanceTransactionType",
    wage_type: Raw<'a> = "cashAdvanceClearingWageType",
    by_payroll: Raw<'a> = "payrollPayIndicator",
});

object!(PayrollData {
    amount: Raw<'a> = "entryApprovedAmount",
    wage_type: Raw<'a> = "wageType",
    by_payroll: Raw<'a> = "payrollPayIndicator",
});

object!(InvoiceDocument {
    header: RequestHeader<'a> = "requestHeader",
    vendor: Vendor<'a> = "vendor",
    lines: Many<LineItem<'a>> = "lineItem",
});

object!(RequestHeader {
    id: Raw<'a> = "requestId",
    title: Raw<'a> = "requestTitle",
    currency: Raw<'a> = "currencyAlphaCode",
    is_test: Raw<'a> = "isTest",
    total: Raw<'a> = "requestTotal",
    shipping: Raw<'a> = "amountShippingTotal",
    tax: Raw<'a> = "amountTax",
    revision: Raw<'a> = "revisionNumber",
    posted: Raw<'a> = "postingDate",
    invoiced: Raw<'a> = "invoiceDate",
    completed: Raw<'a> = "processCompleteDate",
    submitted: Raw<'a> = "submitDate",
    ..customs = "requestCustom"
});

object!(Vendor {
    code: Raw<'a> = "vendorCode",
    name: Raw<'a> = "vendorName",
});

object!(LineItem {
    expense_type: Raw<'a> = "expenseTypeCode",
    expense_type_name: Raw<'a> = "expenseTypeName",
    allocations: Many<Share<'a>> = "allocation",
});

object!(Share {
    account: Raw<'a> = "allocationAccountCode",
    journal: Many<Journal<'a>> = "journal",
    ..customs = "allocationCustom"
});

object!(Journal {
    account: Raw<'a> = "accountCode",
    currency: Raw<'a> = "currencyAlphaCode",
    net: Raw<'a> = "amountNet",
    shipping: Raw<'a> = "amountShipping",
    gross: Raw<'a> = "amountGross",
    taxes: Many<InvoiceTax<'a>> = "tax",
});

object!(InvoiceTax {
    amount: Raw<'a> = "amountTax",
});

object!(CashAdvanceDocument {
    employee: Employee<'a> = "employeeData",
    advance: CashAdvanceData<'a> = "cashAdvanceData",
    rows: Many<CashRow<'a>> = "journalData",
});

object!(CashAdvanceData {
    id: Raw<'a> = "cashAdvanceId",
    name: Raw<'a> = "name",
    is_test: Raw<'a> = "isTest",
    revision: Raw<'a> = "revisionNumber",
    amount: Raw<'a> = "requestAmount",
    issue_currency: Raw<'a> = "currencyAlphaCode",
    currency: Raw<'a> = "employeeCurrencyAlphaCode",
    rate: Raw<'a> = "exchangeRate",
    kind: Raw<'a> = "transactionType",
    issued: Raw<'a> = "issuedDate",
    requested: Raw<'a> = "requestDate",
});

object!(CashRow {
    account: Raw<'a> = "accountCode",
    currency: Raw<'a> = "currencyAlphaCode",
    amount: Raw<'a> = "amount",
    side: Raw<'a> = "debitOrCredit",
    payer: Raw<'a> = "payer",
    payee: Raw<'a> = "payee",
});
