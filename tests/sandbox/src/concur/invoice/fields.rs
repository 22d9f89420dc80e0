//! The fields of a payment request, its lines and their allocations: names, types and bounds
//! (source: concur-payment-request).

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldType {
    /// Text of at most this many characters; 0 means that no limit is documented.
    Text(usize),
    /// A decimal, shown with 8 digits behind the point.
    Amount,
    /// A day, shown with a midnight behind it.
    Day,
    /// Like text, but never shown by GET.
    Unseen,
}

use FieldType::{Amount, Day, Text, Unseen};

type Field = (&'static str, FieldType);

/// Fields of the header under the names that GET uses.
pub(crate) const HEADER: &[Field] = &joined::<76>(&[HEADER_START, CUSTOMS, HEADER_END]);

/// Fields of a line under the names that GET uses.
pub(crate) const LINE: &[Field] = &joined::<45>(&[LINE_START, ALLOCATION]);

/// Custom fields of an allocation.
pub(crate) const ALLOCATION: &[Field] = CUSTOMS.split_at(20).0;

/// Custom fields of the header; lines and allocations have the first twenty.
const CUSTOMS: &[Field] = &[
    ("Custom1", Text(48)),
    ("Custom2", Text(48)),
    ("Custom3", Text(48)),
    ("Custom4", Text(48)),
    ("Custom5", Text(48)),
    ("Custom6", Text(48)),
    ("Custom7", Text(48)),
    ("Custom8", Text(48)),
    ("Custom9", Text(48)),
    ("Custom10", Text(48)),
    ("Custom11", Text(48)),
    ("Custom12", Text(48)),
    ("Custom13", Text(48)),
    ("Custom14", Text(48)),
    ("Custom15", Text(48)),
    ("Custom16", Text(48)),
    ("Custom17", Text(48)),
    ("Custom18", Text(48)),
    ("Custom19", Text(48)),
    ("Custom20", Text(48)),
    ("Custom21", Text(48)),
    ("Custom22", Text(48)),
    ("Custom23", Text(48)),
    ("Custom24", Text(48)),
];

const HEADER_START: &[Field] = &[
    ("Name", Text(100)),
    ("InvoiceNumber", Text(50)),
    ("InvoiceDate", Day),
    ("InvoiceAmount", Amount),
    ("CurrencyCode", Text(3)),
    ("CountryCode", Text(2)),
    ("Description", Text(250)),
    ("InvoiceReceivedDate", Day),
    ("PaymentDueDate", Day),
    ("PaymentTermsDays", Text(0)),
    ("AmountWithoutVat", Amount),
    ("ShippingAmount", Amount),
    ("TaxAmount", Amount),
    ("VatAmountOne", Amount),
    ("VatAmountTwo", Amount),
    ("VatAmountThree", Amount),
    ("VatAmountFour", Amount),
    ("VatRateOne", Amount),
    ("VatRateTwo", Amount),
    ("VatRateThree", Amount),
    ("VatRateFour", Amount),
    ("LedgerCode", Text(0)),
    ("ExternalPolicyId", Text(0)),
    ("PurchaseOrderNumber", Text(0)),
    ("VendorTaxId", Text(0)),
    ("ProvincialTaxId", Text(0)),
    ("BuyerCostCenter", Text(0)),
    ("CheckNumber", Text(0)),
    ("DataSource", Text(0)),
    ("DeliverySlipNumber", Text(0)),
    ("DiscountPercentage", Amount),
    ("DiscountTerms", Text(0)),
    ("IsInvoiceConfirmed", Text(0)),
    ("NotesToVendor", Text(0)),
    ("PaymentAdjustmentNotes", Text(0)),
    ("OB10BuyerId", Text(0)),
    ("OB10TransactionId", Text(0)),
    ("ReceiptConfirmationType", Text(0)),
];

const HEADER_END: &[Field] = &[
    ("OrgUnit01", Text(48)),
    ("OrgUnit02", Text(48)),
    ("OrgUnit03", Text(48)),
    ("OrgUnit04", Text(48)),
    ("OrgUnit05", Text(48)),
    ("OrgUnit06", Text(48)),
    ("PaymentAmount", Unseen),
    ("EmployeeLoginId", Unseen),
    ("EmployeeId", Unseen),
    ("EmployeeEmailAddress", Unseen),
    ("VendorShipFromAddressCode", Unseen),
    ("CompanyBillToAddressCode", Unseen),
    ("CompanyShipToAddressCode", Unseen),
    ("IsEmergencyCheckRun", Unseen),
];

const LINE_START: &[Field] = &[
    ("Description", Text(250)),
    ("ExpenseTypeCode", Text(0)),
    ("Quantity", Amount),
    ("UnitPrice", Amount),
    ("TotalPrice", Amount),
    ("Tax", Amount),
    ("ItemCode", Unseen),
    ("SupplierPartId", Text(0)),
    ("UnitOfMeasure", Text(0)),
    ("TaxCode", Text(0)),
    ("TaxCode2", Text(0)),
    ("TaxCode3", Text(0)),
    ("TaxCode4", Text(0)),
    ("AmountWithoutVat", Amount),
    ("VatAmount", Amount),
    ("VatAmountTwo", Amount),
    ("VatAmountThree", Amount),
    ("VatAmountFour", Amount),
    ("VatRate", Amount),
    ("VatRateTwo", Amount),
    ("VatRateThree", Amount),
    ("VatRateFour", Amount),
    ("PurchaseOrderNumber", Text(0)),
    ("ShipFromPostalCode", Text(0)),
    ("ShipToPostalCode", Text(0)),
];

pub(crate) const HEADER_NAMES: &[&str] = &field_names::<{ HEADER.len() }>(HEADER);
pub(crate) const LINE_NAMES: &[&str] = &field_names::<{ LINE.len() }>(LINE);
pub(crate) const ALLOCATION_NAMES: &[&str] = &field_names::<{ ALLOCATION.len() }>(ALLOCATION);

const fn field_names<const N: usize>(fields: &[Field]) -> [&'static str; N] {
    let mut names = [""; N];
    let mut at = 0;
    while at < N {
        names[at] = fields[at].0;
        at += 1;
    }
    names
}

/// The tables one after the other; it does not compile unless they have N rows in all.
const fn joined<const N: usize>(tables: &[&[Field]]) -> [Field; N] {
    let mut joined = [("", Unseen); N];
    let (mut at, mut table) = (0, 0);
    while table < tables.len() {
        let mut row = 0;
        while row < tables[table].len() {
            joined[at] = tables[table][row];
            (at, row) = (at + 1, row + 1);
        }
        table += 1;
    }
    assert!(at == N);
    joined
}
