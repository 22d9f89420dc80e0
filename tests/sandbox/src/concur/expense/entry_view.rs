//! Entries as v3 shows them, and pages of v3 lists
//! (source: concur-expense-entries, concur-v3-conventions).

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};

use super::custom_fields::v3_view;
use super::entries::ENTRIES;
use super::report::{Entry, Report};
use super::report_view::number;
use crate::calendar::bare_stamp;
use crate::concur::Concur;
use crate::concur::gateway::{GatewayCall, GatewayError};
use crate::concur::invoice::config::{NextPage, NoNextPage};
use crate::concur::users::user_with_id;
use crate::concur::vendors::read_count;
use crate::http::{encode_form, first_value};

impl Concur {
    /// An entry as GET shows it. `Comment` is not a member of it.
    pub(super) fn entry_view(&self, report: &Report, entry: &Entry, base_url: &str) -> Value {
        let config = &self.config.expense;
        let kind = config.expense_type(&entry.expense_type);
        let payment = config.payment_type(&entry.payment_type);
        let owner = user_with_id(&self.config.users, &report.owner);
        let text = |text: &String| (!text.is_empty()).then(|| text.clone());
        let mut view = json!({
            "ID": entry.id, "URI": format!("{base_url}{ENTRIES}/{}", entry.id),
            "ExpenseID": entry.expense_id, "ReportID": report.id,
            "ReportOwnerID": owner.map(|owner| &owner.user_name),
            "ExpenseTypeCode": entry.expense_type, "ExpenseTypeName": kind.map(|kind| &kind.name),
            "SpendCategoryCode": kind.map(|kind| &kind.category), "SpendCategoryName": null,
            "PaymentTypeID": payment.map(|payment| &payment.v3_id),
            "PaymentTypeName": payment.map(|payment| &payment.name),
            "TransactionDate": format!("{}T00:00:00", entry.day),
            "TransactionAmount": number(entry.amount),
            "TransactionCurrencyCode": entry.currency.code(),
            "ExchangeRate": number(entry.rate),
            "PostedAmount": number(entry.posted(report.currency)),
            "ApprovedAmount": number(entry.approved(report.currency)),
            "Description": text(&entry.description),
            "VendorDescription": text(&entry.vendor),
            "VendorListItemID": text(&entry.vendor_item), "VendorListItemName": null,
            "LocationID": text(&entry.location),
            "TaxReceiptType": entry.receipt_type, "IsBillable": entry.billable,
            "IsPersonal": entry.personal, "AllocationType": "N", "HasVAT": false,
            "HasItemizations": false, "HasAttendees": false, "HasImage": false,
            "HasComments": !entry.comments.is_empty(),
            "HasExceptions": !entry.exceptions.is_empty(),
            "ReceiptReceived": entry.paper_receipt,
            "Comment": "", "Journey": null,
            "LastModified": bare_stamp(entry.modified),
        });
        let customs = (1..=40).map(|number| format!("Custom{number}"));
        for name in customs.chain((1..=6).map(|number| format!("OrgUnit{number}"))) {
            view[&name] = v3_view(&name, &entry.customs, config);
        }
        view
    }

    /// The rows of the page that a call asks for, and what its `NextPage` is.
    pub(super) fn page_of(
        &self,
        call: &GatewayCall,
        count: usize,
    ) -> Result<(Range<usize>, Value), GatewayError> {
        let switches = &self.config.expense;
        let limit = read_count(call, "limit", 25)?.clamp(1, switches.page_max.max(1));
        let offset = read_offset(first_value(&call.query, "offset"))?.min(count);
        let end = (offset + limit).min(count);
        let next = match (end < count, switches.no_next_page) {
            (true, _) => next_page(call, end, switches.next_page),
            (false, NoNextPage::Null) => Value::Null,
            (false, NoNextPage::Empty) => json!(""),
        };
        Ok((offset..end, next))
    }
}

fn next_page(call: &GatewayCall, offset: usize, form: NextPage) -> Value {
    let token = BASE64.encode(format!("row:{offset}"));
    if form == NextPage::Token {
        return json!(token);
    }
    let kept = call.query.iter().filter(|(name, _)| name != "offset");
    let pairs = kept.map(|(name, value)| (name.as_str(), value.as_str()));
    let query = encode_form(pairs.chain([("offset", token.as_str())]));
    json!(format!("{}{}?{query}", call.base_url, call.path))
}

fn read_offset(token: Option<&str>) -> Result<usize, GatewayError> {
    let Some(token) = token.filter(|token| !token.is_empty()) else {
        return Ok(0);
    };
    let text = BASE64.decode(token).ok();
    let text = text.and_then(|bytes| String::from_utf8(bytes).ok());
    let row = text.and_then(|text| text.strip_prefix("row:")?.parse().ok());
    row.ok_or_else(|| GatewayError::bad_request("offset is not valid."))
}
