//! The switches of payment requests and digests.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// How payment requests and digests behave where the docs leave room.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PaymentRequestConfig {
    /// A second request with a vendor's invoice number is refused, not flagged (duplicates;
    /// inferred). Default: false.
    pub refuse_duplicates: bool,
    /// PUT is accepted after submission (open). Default: false.
    pub put_after_submit: bool,
    /// Milliseconds until a new request shows in digests. Default: 0.
    pub digest_lag_ms: u64,
    /// How `NextPage` is written (paging). Default: uri.
    pub next_page: NextPage,
    /// What `NextPage` is when there is none (paging). Default: null.
    pub no_next_page: NoNextPage,
    /// The most rows of a page of digests. Default: 1000.
    pub digest_page_max: usize,
    /// A list of one line or allocation is an object, not an array (GET reply). Default: false.
    pub single_as_object: bool,
    /// How POST and PUT want custom fields and org units spelt; the other spelling is dropped in
    /// silence (naming; the page and the API description differ). Default: unpadded.
    pub custom_spelling: CustomSpelling,
    /// Fields that are not on the form, under the names that GET uses, such as `Custom24`: what is
    /// written into them is dropped in silence (naming; forms are the company's). Default: none.
    pub fields_off_form: BTreeSet<String>,
    /// `VendorRemitAddress` has neither `VendorCode` nor `AddressCode`, as in the API description;
    /// real replies have them (GET reply). Default: false.
    pub remit_address_without_codes: bool,
    /// Digests have no `VendorCode`, as in the API description; real replies have it (digests).
    /// Default: false.
    pub digests_without_vendor_code: bool,
    /// The digests' filter by invoice number is ignored, and every request is listed (digests;
    /// unknown filters are ignored). Default: false.
    pub digest_number_ignored: bool,
    /// Approval codes of a tenant: not submitted, submitted, approved (GET reply; configurable).
    /// Default: R_NOTF, R_PEND, R_APPR.
    pub approval_codes: [String; 3],
}

/// How custom fields and org units are spelt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomSpelling {
    /// `Custom1`, `OrgUnit1`, as on the page.
    Unpadded,
    /// `Custom01`, `OrgUnit01`, as in the API description.
    Padded,
    /// Either.
    Either,
}

/// How `NextPage` is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NextPage {
    /// A full URI with the query of the call and the next offset.
    Uri,
    /// The bare offset, to be sent back as `offset`.
    Token,
}

/// What `NextPage` is on the last page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoNextPage {
    /// `null`, as JSON has it.
    Null,
    /// `""`, as an empty XML element reads.
    Empty,
}

impl Default for PaymentRequestConfig {
    fn default() -> Self {
        Self {
            refuse_duplicates: false,
            put_after_submit: false,
            digest_lag_ms: 0,
            next_page: NextPage::Uri,
            no_next_page: NoNextPage::Null,
            digest_page_max: 1000,
            single_as_object: false,
            custom_spelling: CustomSpelling::Unpadded,
            fields_off_form: BTreeSet::new(),
            remit_address_without_codes: false,
            digests_without_vendor_code: false,
            digest_number_ignored: false,
            approval_codes: ["R_NOTF".into(), "R_PEND".into(), "R_APPR".into()],
        }
    }
}
