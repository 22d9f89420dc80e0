//! Reading the body of a payment request: every scalar a string, custom fields in either spelling
//! (Concur docs, payment request).

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::gateway::Refusal;
use crate::calendar::parse_day;
use crate::money::parse_decimal;
use crate::texts::Texts;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    /// Text of at most so many characters; 0 means no limit is known.
    Text(usize),
    /// A decimal, shown with 8 digits behind the point.
    Amount,
    /// A day, shown with a midnight behind it.
    Day,
    /// Like text, but never shown by GET.
    Unseen,
}

use Holds::{Amount, Day, Text, Unseen};

/// Fields of the header under the names that GET uses.
pub(crate) const HEADER: &[(&str, Holds)] = &[
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

/// Fields of a line under the names that GET uses.
pub(crate) const LINE: &[(&str, Holds)] = &[
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
];

/// Custom fields of an allocation.
pub(crate) const ALLOCATION: &[(&str, Holds)] = &[
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
];

const HEADER_NAMES: &[&str] = &names::<{ HEADER.len() }>(HEADER);
const LINE_NAMES: &[&str] = &names::<{ LINE.len() }>(LINE);
const ALLOCATION_NAMES: &[&str] = &names::<{ ALLOCATION.len() }>(ALLOCATION);

const fn names<const N: usize>(fields: &'static [(&'static str, Holds)]) -> [&'static str; N] {
    let mut names = [""; N];
    let mut at = 0;
    while at < N {
        names[at] = fields[at].0;
        at += 1;
    }
    names
}

/// A body as sent, in its parts.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) request_id: Option<String>,
    pub(crate) header: Texts,
    pub(crate) vendor: Option<VendorIdentifier>,
    pub(crate) lines: Vec<BodyLine>,
}

/// `VendorRemitToIdentifier`.
#[derive(Clone, Debug, Default)]
pub(crate) struct VendorIdentifier {
    pub(crate) code: Option<String>,
    pub(crate) address_code: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) address1: Option<String>,
    pub(crate) postal_code: Option<String>,
}

/// A line as sent.
#[derive(Debug)]
pub(crate) struct BodyLine {
    pub(crate) action: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) texts: Texts,
    pub(crate) allocations: Option<Vec<Allocation>>,
}

/// A share of a line.
#[derive(Clone, Debug)]
pub(crate) struct Allocation {
    pub(crate) percentage: Decimal,
    pub(crate) texts: Texts,
}

/// Reads a body; any scalar that is no string spoils it.
pub(crate) fn read(bytes: &[u8]) -> Result<Body, Refusal> {
    let unusable = || Refusal::bad("The request body could not be read.");
    let Ok(Value::Object(body)) = serde_json::from_slice(bytes) else {
        return Err(unusable());
    };
    let vendor = match body.get("VendorRemitToIdentifier") {
        Some(Value::Object(identifier)) => Some(read_vendor(identifier)?),
        _ => None,
    };
    let lines = match body.get("LineItems") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(lines)) => lines.iter().map(read_line).collect::<Result<_, _>>()?,
        Some(_) => return Err(Refusal::bad("LineItems must be an array.")),
    };
    let header = read_texts(&body, HEADER_NAMES, HEADER)?;
    Ok(Body {
        request_id: text(&body, "RequestID"),
        header,
        vendor,
        lines,
    })
}

fn read_vendor(identifier: &Map<String, Value>) -> Result<VendorIdentifier, Refusal> {
    refuse_bare_scalars(identifier)?;
    let text = |name: &str| text(identifier, name);
    Ok(VendorIdentifier {
        code: text("VendorCode"),
        address_code: text("AddressCode"),
        name: text("Name"),
        address1: text("Address1"),
        postal_code: text("PostalCode"),
    })
}

fn read_line(line: &Value) -> Result<BodyLine, Refusal> {
    let line = line
        .as_object()
        .ok_or_else(|| Refusal::bad("LineItems must be an array of objects."))?;
    let allocations = match line.get("Allocations") {
        None | Some(Value::Null) => None,
        Some(Value::Array(rows)) => Some(
            rows.iter()
                .map(read_allocation)
                .collect::<Result<Vec<_>, _>>()?,
        ),
        Some(_) => return Err(Refusal::bad("Allocations must be an array.")),
    };
    let sum: Decimal = allocations
        .iter()
        .flatten()
        .map(|allocation| allocation.percentage)
        .sum();
    if allocations.as_ref().is_some_and(|rows| !rows.is_empty()) && sum != Decimal::ONE_HUNDRED {
        return Err(Refusal::bad(format!(
            "The allocations of a line must add up to 100, not {}.",
            sum.normalize()
        )));
    }
    let texts = read_texts(line, LINE_NAMES, LINE)?;
    Ok(BodyLine {
        action: text(line, "Action"),
        id: text(line, "LineItemID"),
        texts,
        allocations,
    })
}

fn read_allocation(row: &Value) -> Result<Allocation, Refusal> {
    let row = row
        .as_object()
        .ok_or_else(|| Refusal::bad("Allocations must be an array of objects."))?;
    let texts = read_texts(row, ALLOCATION_NAMES, ALLOCATION)?;
    let percentage = text(row, "Percentage")
        .ok_or_else(|| Refusal::bad("Required field Percentage is missing."))?;
    let percentage = parse_decimal(&percentage).filter(|percentage| !percentage.is_sign_negative());
    Ok(Allocation {
        percentage: percentage.ok_or_else(|| Refusal::bad("Percentage is not a valid number."))?,
        texts,
    })
}

fn read_texts(
    members: &Map<String, Value>,
    names: &'static [&'static str],
    fields: &[(&str, Holds)],
) -> Result<Texts, Refusal> {
    refuse_bare_scalars(members)?;
    let mut texts = Texts::new(names);
    for (name, value) in members {
        let Some(text) = value.as_str() else { continue };
        let name = canonical(name);
        let Some(at) = fields.iter().position(|(known, _)| *known == name) else {
            continue;
        };
        check(&name, text, fields[at].1)?;
        texts.set_at(at, text);
    }
    Ok(texts)
}

fn refuse_bare_scalars(members: &Map<String, Value>) -> Result<(), Refusal> {
    match members
        .iter()
        .find(|(_, value)| value.is_number() || value.is_boolean())
    {
        Some((name, _)) => Err(Refusal::bad(format!("{name} must be a string."))),
        None => Ok(()),
    }
}

fn check(name: &str, text: &str, holds: Holds) -> Result<(), Refusal> {
    let good = match holds {
        Text(max) => max == 0 || text.chars().count() <= max,
        Amount => text.is_empty() || parse_decimal(text).is_some(),
        Day => text.is_empty() || parse_day(text).is_some(),
        Unseen => true,
    };
    if good {
        Ok(())
    } else {
        Err(Refusal::bad(format!("{name} is not valid.")))
    }
}

/// The spelling that GET uses: `Custom1` for `Custom01`, but `OrgUnit01` for `OrgUnit1`.
fn canonical(name: &str) -> std::borrow::Cow<'_, str> {
    if let Some(digits) = name.strip_prefix("Custom0") {
        return format!("Custom{digits}").into();
    }
    match name.strip_prefix("OrgUnit") {
        Some(digit) if digit.len() == 1 => format!("OrgUnit0{digit}").into(),
        _ if name == "PurchaseOrderId" => "PurchaseOrderNumber".into(),
        _ => name.into(),
    }
}

/// A text member; blank counts as absent.
fn text(members: &Map<String, Value>, name: &str) -> Option<String> {
    members
        .get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(body: Value) -> String {
        read(body.to_string().as_bytes())
            .expect_err("a refusal")
            .message
    }

    #[test]
    fn scalars_that_are_no_strings_spoil_the_body() {
        assert_eq!(
            refused(json!({"InvoiceAmount": 12.5})),
            "InvoiceAmount must be a string."
        );
        assert_eq!(
            refused(json!({"Unknown": true})),
            "Unknown must be a string."
        );
        assert_eq!(
            refused(json!({"LineItems": [{"Quantity": 1}]})),
            "Quantity must be a string."
        );
        let allocation = json!({"LineItems": [{"Allocations": [{"Percentage": 100}]}]});
        assert_eq!(refused(allocation), "Percentage must be a string.");
    }

    #[test]
    fn both_spellings_of_custom_and_org_unit_are_one_field() {
        let body = json!({"Custom05": "a", "Custom12": "b", "OrgUnit3": "c", "OrgUnit04": "d", "PurchaseOrderId": "e"});
        let body = read(body.to_string().as_bytes()).expect("readable");
        let get = |name: &str| body.header.get(name).to_owned();
        assert_eq!(
            [
                get("Custom5"),
                get("Custom12"),
                get("OrgUnit03"),
                get("OrgUnit04"),
                get("PurchaseOrderNumber")
            ],
            ["a", "b", "c", "d", "e"]
        );
    }

    #[test]
    fn allocations_add_up_to_100() {
        let line = |shares: &[&str]| {
            let rows: Vec<Value> = shares
                .iter()
                .map(|share| json!({"Percentage": share}))
                .collect();
            json!({"LineItems": [{"Allocations": rows}]})
        };
        assert!(read(line(&["33.33", "33.33", "33.34"]).to_string().as_bytes()).is_ok());
        assert_eq!(
            refused(line(&["60", "39.99"])),
            "The allocations of a line must add up to 100, not 99.99."
        );
        assert_eq!(
            refused(line(&["-10", "110"])),
            "Percentage is not a valid number."
        );
        assert_eq!(
            refused(json!({"LineItems": [{"Allocations": [{}]}]})),
            "Required field Percentage is missing."
        );
    }

    #[test]
    fn amounts_days_and_lengths_are_checked() {
        for (field, wrong) in [
            ("InvoiceAmount", "1,5"),
            ("InvoiceDate", "27/02/2026"),
            ("InvoiceNumber", &"9".repeat(51)),
        ] {
            assert_eq!(
                refused(json!({field: wrong})),
                format!("{field} is not valid.")
            );
        }
        assert_eq!(refused(json!([])), "The request body could not be read.");
    }
}
