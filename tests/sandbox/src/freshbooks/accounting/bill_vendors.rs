//! Bill vendors: those the account owes (source: freshbooks-bill-vendors).

use serde::Serialize;
use serde_json::Value;

use crate::calendar::{eastern_stamp, utc_stamp};
use crate::freshbooks::FreshBooks;
use crate::freshbooks::api::errors::ApiError;
use crate::freshbooks::api::fields::{Fields, SparseFields, read_currency};
use crate::freshbooks::api::listing::SearchFilters;
use crate::freshbooks::api::resource::{Resource, RowHead, ViewContext};
use crate::freshbooks::config::Feature;
use crate::http::Millis;
use crate::money::Currency;
use crate::sparse_fields::WrittenFields;

const TEXTS: &[&str] = &[
    "vendor_name",
    "account_number",
    "primary_contact_first_name",
    "primary_contact_last_name",
    "primary_contact_email",
    "phone",
    "website",
    "street",
    "street2",
    "city",
    "province",
    "postal_code",
    "country",
    "language",
    "note",
];

/// A bill vendor: somebody the account buys from.
#[derive(Clone, Debug)]
pub(crate) struct BillVendor {
    pub(crate) head: RowHead,
    pub(crate) texts: SparseFields,
    currency: Currency,
    is_1099: bool,
}

/// A bill vendor as it is written. Its id is `vendorid` alone.
#[derive(Serialize)]
pub(crate) struct BillVendorView<'a> {
    vendorid: u64,
    #[serde(flatten)]
    texts: WrittenFields<'a>,
    currency_code: &'a str,
    is_1099: bool,
    tax_defaults: [u64; 0],
    outstanding_balance: [u64; 0],
    overdue_balance: [u64; 0],
    created_at: String,
    updated_at: String,
    vis_state: u8,
}

impl Resource for BillVendor {
    const ONE: &'static str = "bill_vendor";
    const MANY: &'static str = "bill_vendors";
    const ID_FIELD: &'static str = "vendorid";
    const SCOPE: &'static str = "bill_vendors";
    const FEATURE: Option<(Feature, u32)> = Some((Feature::BillVendors, 31001));
    type View<'a> = BillVendorView<'a>;

    fn create(machine: &mut FreshBooks, fields: &Fields, now: Millis) -> Result<u64, ApiError> {
        let mut vendor = Self {
            head: RowHead::draft(now),
            texts: SparseFields::new(TEXTS),
            currency: machine.default_currency(),
            is_1099: false,
        };
        vendor.apply(machine, fields)?;
        Ok(machine.bill_vendors.insert_new(vendor))
    }

    fn apply(&mut self, _: &FreshBooks, fields: &Fields) -> Result<(), ApiError> {
        self.texts.write_fields(fields, Self::ONE)?;
        if let Some(required) = ["vendor_name", "language"]
            .iter()
            .find(|name| self.texts.get(name).is_empty())
        {
            return Err(ApiError::required(Self::ONE, required));
        }
        match fields.get("currency_code") {
            None | Some(Value::Null) => {}
            Some(value) => self.currency = read_currency(value, Self::ONE, "currency_code")?,
        }
        self.is_1099 = fields
            .get("is_1099")
            .and_then(Value::as_bool)
            .unwrap_or(self.is_1099);
        Ok(())
    }

    fn matches(&self, _: &SearchFilters, _: &ViewContext) -> bool {
        true
    }

    fn view<'a>(&'a self, showing: &ViewContext<'a>) -> BillVendorView<'a> {
        let eastern = showing.machine.config.bill_vendor_stamps_eastern;
        let stamp = |at: Millis| {
            if eastern {
                eastern_stamp(at)
            } else {
                utc_stamp(at)
            }
        };
        BillVendorView {
            vendorid: self.head.id,
            texts: self.texts.members(showing.config().unwritten_texts_null),
            currency_code: self.currency.code(),
            is_1099: self.is_1099,
            tax_defaults: [],
            outstanding_balance: [],
            overdue_balance: [],
            created_at: stamp(self.head.created),
            updated_at: stamp(self.head.updated),
            vis_state: self.head.vis_state,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::test_support::freshbooks::{FreshBooksHarness, object};

    #[test]
    fn name_and_language_are_required() {
        let mut harness = FreshBooksHarness::new();
        for body in [json!({"vendor_name": "A"}), json!({"language": "en"})] {
            assert_eq!(
                harness.refused(
                    "POST",
                    "bill_vendors/bill_vendors",
                    json!({"bill_vendor": body})
                ),
                (422, 1001)
            );
        }
    }

    #[test]
    fn there_is_no_filter_and_no_id_twin() {
        let mut harness = FreshBooksHarness::new();
        harness.vendor();
        let listed = harness.listed(
            "bill_vendors/bill_vendors?search[vendor_name]=zzz&search[email]=x",
            "bill_vendors",
        );
        assert_eq!(listed.len(), 1);
        assert!(listed[0].get("id").is_none());
        assert!(listed[0]["vendorid"].is_u64());
    }

    #[test]
    fn stamps_are_utc_unless_switched() {
        let mut harness = FreshBooksHarness::new();
        let path = format!("bill_vendors/bill_vendors/{}", harness.vendor());
        let stamp = |harness: &mut FreshBooksHarness| {
            object(&harness.accounting("GET", &path, None), "bill_vendor")["created_at"].clone()
        };
        assert_eq!(stamp(&mut harness), "2026-03-02 15:00:00");
        harness.machine.config.bill_vendor_stamps_eastern = true;
        assert_eq!(stamp(&mut harness), "2026-03-02 10:00:00");
    }

    #[test]
    fn updates_keep_what_is_not_sent() {
        let mut harness = FreshBooksHarness::new();
        let path = format!("bill_vendors/bill_vendors/{}", harness.vendor());
        let body = json!({"bill_vendor": {"city": "Toronto", "country": "Canada"}});
        let vendor = object(&harness.accounting("PUT", &path, Some(body)), "bill_vendor");
        assert_eq!(
            (&vendor["vendor_name"], &vendor["city"]),
            (&json!("Northwind Paper"), &json!("Toronto"))
        );
        assert_eq!(vendor["currency_code"], "CAD");
    }
}
