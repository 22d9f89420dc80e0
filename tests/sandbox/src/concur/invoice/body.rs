//! Reading the body of a payment request: every scalar a string, custom fields in the spelling that
//! the company's switch says (source: concur-payment-request).

use super::config::{CustomSpelling, PaymentRequestConfig};
use super::fields::{
    ALLOCATION, ALLOCATION_NAMES, FieldType, HEADER, HEADER_NAMES, LINE, LINE_NAMES,
};
use rust_decimal::Decimal;
use serde_json::{Map, Value};

use crate::calendar::parse_day;
use crate::concur::gateway::GatewayError;
use crate::money::parse_decimal;
use crate::sparse_fields::SparseFields;

/// A body as sent, in its parts.
#[derive(Debug)]
pub(crate) struct PaymentRequestBody {
    pub(crate) request_id: Option<String>,
    pub(crate) header: SparseFields,
    pub(crate) vendor: Option<VendorIdentifier>,
    pub(crate) lines: Vec<LineBody>,
}

/// The member `VendorRemitToIdentifier`: a vendor by codes, or by name and address.
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
pub(crate) struct LineBody {
    pub(crate) action: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) texts: SparseFields,
    pub(crate) allocations: Option<Vec<LineAllocation>>,
}

/// A share of a line.
#[derive(Clone, Debug)]
pub(crate) struct LineAllocation {
    pub(crate) percentage: Decimal,
    pub(crate) texts: SparseFields,
}

/// Reads a body. The API refuses it if any scalar is not a string.
pub(crate) fn read_body(
    bytes: &[u8],
    config: &PaymentRequestConfig,
) -> Result<PaymentRequestBody, GatewayError> {
    let unusable = || GatewayError::bad_request("The request body could not be read.");
    let Ok(Value::Object(body)) = serde_json::from_slice(bytes) else {
        return Err(unusable());
    };
    let vendor = match body.get("VendorRemitToIdentifier") {
        Some(Value::Object(identifier)) => Some(read_vendor(identifier)?),
        _ => None,
    };
    let lines = match body.get("LineItems") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(lines)) => {
            let lines = lines.iter().map(|line| read_line(line, config));
            lines.collect::<Result<_, _>>()?
        }
        Some(_) => return Err(GatewayError::bad_request("LineItems must be an array.")),
    };
    let header = read_texts(&body, HEADER_NAMES, HEADER, config)?;
    Ok(PaymentRequestBody {
        request_id: text_member(&body, "RequestID"),
        header,
        vendor,
        lines,
    })
}

fn read_vendor(identifier: &Map<String, Value>) -> Result<VendorIdentifier, GatewayError> {
    refuse_bare_scalars(identifier)?;
    let text = |name: &str| text_member(identifier, name);
    Ok(VendorIdentifier {
        code: text("VendorCode"),
        address_code: text("AddressCode"),
        name: text("Name"),
        address1: text("Address1"),
        postal_code: text("PostalCode"),
    })
}

fn read_line(line: &Value, config: &PaymentRequestConfig) -> Result<LineBody, GatewayError> {
    let line = line
        .as_object()
        .ok_or_else(|| GatewayError::bad_request("LineItems must be an array of objects."))?;
    let allocations = match line.get("Allocations") {
        None | Some(Value::Null) => None,
        Some(Value::Array(rows)) => Some(
            rows.iter()
                .map(|row| read_allocation(row, config))
                .collect::<Result<Vec<_>, _>>()?,
        ),
        Some(_) => return Err(GatewayError::bad_request("Allocations must be an array.")),
    };
    let sum: Decimal = allocations
        .iter()
        .flatten()
        .map(|allocation| allocation.percentage)
        .sum();
    if allocations.as_ref().is_some_and(|rows| !rows.is_empty()) && sum != Decimal::ONE_HUNDRED {
        return Err(GatewayError::bad_request(format!(
            "The allocations of a line must add up to 100, not {}.",
            sum.normalize()
        )));
    }
    let texts = read_texts(line, LINE_NAMES, LINE, config)?;
    Ok(LineBody {
        action: text_member(line, "Action"),
        id: text_member(line, "LineItemID"),
        texts,
        allocations,
    })
}

fn read_allocation(
    row: &Value,
    config: &PaymentRequestConfig,
) -> Result<LineAllocation, GatewayError> {
    let row = row
        .as_object()
        .ok_or_else(|| GatewayError::bad_request("Allocations must be an array of objects."))?;
    let texts = read_texts(row, ALLOCATION_NAMES, ALLOCATION, config)?;
    let percentage = text_member(row, "Percentage")
        .ok_or_else(|| GatewayError::bad_request("Required field Percentage is missing."))?;
    let percentage = parse_decimal(&percentage).filter(|percentage| !percentage.is_sign_negative());
    Ok(LineAllocation {
        percentage: percentage
            .ok_or_else(|| GatewayError::bad_request("Percentage is not a valid number."))?,
        texts,
    })
}

fn read_texts(
    members: &Map<String, Value>,
    names: &'static [&'static str],
    fields: &[(&str, FieldType)],
    config: &PaymentRequestConfig,
) -> Result<SparseFields, GatewayError> {
    refuse_bare_scalars(members)?;
    let mut texts = SparseFields::new(names);
    for (name, value) in members {
        let Some(text) = value.as_str() else { continue };
        if !is_taken(name, config.custom_spelling) {
            continue;
        }
        let name = canonical_name(name);
        if config.fields_off_form.contains(name.as_ref()) {
            continue;
        }
        let Some(at) = fields.iter().position(|(known, _)| *known == name) else {
            continue;
        };
        check_field(&name, text, fields[at].1)?;
        texts.set_at(at, text);
    }
    Ok(texts)
}

fn refuse_bare_scalars(members: &Map<String, Value>) -> Result<(), GatewayError> {
    match members
        .iter()
        .find(|(_, value)| value.is_number() || value.is_boolean())
    {
        Some((name, _)) => Err(GatewayError::bad_request(format!(
            "{name} must be a string."
        ))),
        None => Ok(()),
    }
}

fn check_field(name: &str, text: &str, holds: FieldType) -> Result<(), GatewayError> {
    let good = match holds {
        FieldType::Text(max) => max == 0 || text.chars().count() <= max,
        FieldType::Amount => text.is_empty() || parse_decimal(text).is_some(),
        FieldType::Day => text.is_empty() || parse_day(text).is_some(),
        FieldType::Unseen => true,
    };
    if good {
        Ok(())
    } else {
        Err(GatewayError::bad_request(format!("{name} is not valid.")))
    }
}

/// Whether the API knows a member by this spelling; only those of one digit have two.
fn is_taken(name: &str, spelling: CustomSpelling) -> bool {
    let mut words = ["Custom", "OrgUnit"].into_iter();
    let digits = words.find_map(|word| name.strip_prefix(word));
    !matches!(
        (spelling, digits.map(str::as_bytes)),
        (CustomSpelling::Unpadded, Some([b'0', _])) | (CustomSpelling::Padded, Some([_]))
    )
}

/// The spelling that GET uses: `Custom1` for `Custom01`, but `OrgUnit01` for `OrgUnit1`.
fn canonical_name(name: &str) -> std::borrow::Cow<'_, str> {
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
fn text_member(members: &Map<String, Value>, name: &str) -> Option<String> {
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
        read(&body).expect_err("a refusal").message
    }

    fn read(body: &Value) -> Result<PaymentRequestBody, GatewayError> {
        read_body(
            body.to_string().as_bytes(),
            &PaymentRequestConfig::default(),
        )
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
    fn one_spelling_is_taken_and_the_other_dropped_in_silence() {
        let body = json!({"Custom05": "a", "Custom6": "b", "Custom12": "c", "OrgUnit3": "d",
            "OrgUnit04": "e", "PurchaseOrderId": "f",
            "LineItems": [{"Allocations": [{"Percentage": "100", "Custom01": "g",
                "Custom2": "h"}]}]});
        for (spelling, taken) in [
            (
                CustomSpelling::Unpadded,
                ["", "b", "c", "d", "", "f", "", "h"],
            ),
            (
                CustomSpelling::Padded,
                ["a", "", "c", "", "e", "f", "g", ""],
            ),
            (
                CustomSpelling::Either,
                ["a", "b", "c", "d", "e", "f", "g", "h"],
            ),
        ] {
            let config = PaymentRequestConfig {
                custom_spelling: spelling,
                ..PaymentRequestConfig::default()
            };
            let body = read_body(body.to_string().as_bytes(), &config).expect("readable");
            let get = |name: &str| body.header.get(name).to_owned();
            let share = &body.lines[0].allocations.as_ref().expect("has one")[0];
            let found = [
                get("Custom5"),
                get("Custom6"),
                get("Custom12"),
                get("OrgUnit03"),
                get("OrgUnit04"),
                get("PurchaseOrderNumber"),
                share.texts.get("Custom1").to_owned(),
                share.texts.get("Custom2").to_owned(),
            ];
            assert_eq!(found, taken, "{spelling:?}");
        }
    }

    #[test]
    fn a_field_that_is_not_on_the_form_is_dropped_in_silence() {
        let config = PaymentRequestConfig {
            fields_off_form: ["Custom24".to_owned()].into(),
            ..PaymentRequestConfig::default()
        };
        let body = json!({"Custom24": "a", "Custom23": "b"}).to_string();
        let body = read_body(body.as_bytes(), &config).expect("readable");
        let found = (body.header.get("Custom24"), body.header.get("Custom23"));
        assert_eq!(found, ("", "b"));
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
        assert!(read(&line(&["33.33", "33.33", "33.34"])).is_ok());
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
