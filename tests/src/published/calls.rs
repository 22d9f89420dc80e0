//! Every call to SAP Concur that we make.

use super::recording::Sent;

/// Which test sees a call: the scenarios in virtual time, or the real host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// The scenarios; perhaps the real host too.
    Scenarios,
    /// The real host alone.
    Host,
}

/// A call, and where it is described.
#[derive(Debug)]
pub struct Call {
    /// Who makes it in the tests.
    pub sender: Sender,
    /// The method in upper case.
    pub method: &'static str,
    /// The path as we send it, with `{}` for what differs.
    pub path: &'static str,
    /// Where SAP describes it.
    pub described: Described,
    /// Names in it that SAP's description lacks or has otherwise, with the reason.
    pub known: &'static [(&'static str, &'static str)],
}

/// Where a call is described.
#[derive(Debug)]
pub enum Described {
    /// In this file, under this path.
    In(&'static str, &'static str),
    /// In no file; why we make it all the same.
    Nowhere(&'static str),
}

use Described::{In, Nowhere};
use Sender::{Host, Scenarios};

const fn call(
    sender: Sender,
    method: &'static str,
    path: &'static str,
    described: Described,
) -> Call {
    Call {
        sender,
        method,
        path,
        described,
        known: &[],
    }
}

impl Call {
    const fn but(self, known: &'static [(&'static str, &'static str)]) -> Self {
        Self { known, ..self }
    }

    /// Whether this is the call that was sent.
    #[must_use]
    pub fn is_of(&self, sent: &Sent) -> bool {
        let (ours, theirs) = (self.path.split('/'), sent.path().split('/'));
        let is_same = |(our, their): (&str, &str)| our == "{}" || our == their;
        self.method == sent.method
            && ours.clone().count() == theirs.clone().count()
            && ours.zip(theirs).all(is_same)
    }
}

const PAYMENT_REQUEST: &str = "PaymentRequest.swagger.json";
const DIGESTS: &str = "PaymentRequestDigest.swagger.json";
const VENDORS: &str = "Vendors.swagger2.json";
const FINANCIAL: &str = "FinancialIntegrationService.swagger2.json";
const IDENTITY: &str = "Identity.swagger2.json";
const REPORTS: &str = "Reports.swagger.json";
const ENTRIES: &str = "Entries.swagger.json";
const QUICK_EXPENSES: &str = "QuickExpenses.swagger.json";
const LIST_ITEM: &str = "ListItem.swagger2.json";
const LIST_ITEM_BULK: &str = "ListItemBulk.swagger2.json";
const EVENTS: &str = "EventSubscriptionService.swagger.json";

/// The description has two digits. (Decision 0026.)
const WITHOUT_PADDING: &[(&str, &str)] = &[
    (
        "LineItems.Allocations.Custom1",
        "SAP's page spells it so, and it is a setting",
    ),
    ("Custom5", "a setting of the scenarios about both spellings"),
    (
        "OrgUnit1",
        "a setting of the scenarios about both spellings",
    ),
];
const OF_SCIM: &[(&str, &str)] = &[("schemas", "SAP's page requires it, and so does SCIM")];
const ONE_OF_A_LIST: &[(&str, &str)] = &[
    ("Vendor", "SAP's page has a list"),
    ("Vendor.CurrenyCode", "a slip of the description"),
];

/// Every call to SAP Concur that we make; a new one gets its line here.
pub const CALLS: &[Call] = &[
    call(
        Host,
        "POST",
        "/oauth2/v0/token",
        Nowhere("the pages on authentication"),
    ),
    call(
        Scenarios,
        "GET",
        "/api/v3.0/invoice/paymentrequest/{}",
        In(PAYMENT_REQUEST, "/invoice/paymentrequest/{id}"),
    ),
    call(
        Scenarios,
        "POST",
        "/api/v3.0/invoice/paymentrequest",
        In(PAYMENT_REQUEST, "/invoice/paymentrequest"),
    )
    .but(WITHOUT_PADDING),
    call(
        Scenarios,
        "PUT",
        "/api/v3.0/invoice/paymentrequest",
        In(PAYMENT_REQUEST, "/invoice/paymentrequest"),
    )
    .but(WITHOUT_PADDING),
    call(
        Scenarios,
        "GET",
        "/api/v3.0/invoice/paymentrequestdigests",
        In(DIGESTS, "/invoice/paymentrequestdigests"),
    ),
    call(
        Scenarios,
        "GET",
        "/api/v3.1/invoice/vendors",
        In(VENDORS, "/invoice/vendors"),
    ),
    call(
        Scenarios,
        "POST",
        "/api/v3.1/invoice/vendors",
        In(VENDORS, "/invoice/vendors"),
    )
    .but(ONE_OF_A_LIST),
    call(
        Scenarios,
        "GET",
        "/invoice/payment-confirmation/v4/payments",
        Nowhere("the page on payment confirmation"),
    ),
    call(
        Scenarios,
        "POST",
        "/invoice/payment-confirmation/v4/payments/bulkUpdate",
        Nowhere("the page on payment confirmation"),
    ),
    call(
        Scenarios,
        "GET",
        "/financialintegration/fi/v4/companies/transactiontypes/{}/transactions",
        In(
            FINANCIAL,
            "/fi/v4/companies/transactiontypes/{docType}/transactions",
        ),
    ),
    call(
        Scenarios,
        "POST",
        "/financialintegration/fi/v4/companies/transactiontypes/{}/transactions/acknowledgements",
        In(
            FINANCIAL,
            "/fi/v4/companies/transactiontypes/{docType}/transactions/acknowledgements",
        ),
    ),
    call(
        Scenarios,
        "POST",
        "/financialintegration/fi/v4/companies/transactiontypes/{}/transactions/postingconfirmations",
        In(
            FINANCIAL,
            "/fi/v4/companies/transactiontypes/{docType}/transactions/postingconfirmations",
        ),
    ),
    call(
        Scenarios,
        "GET",
        "/profile/identity/v4.1/Users/{}",
        In(IDENTITY, "/Users/{id}"),
    ),
    call(
        Scenarios,
        "POST",
        "/profile/identity/v4.1/Users/.search",
        In(IDENTITY, "/Users/.search"),
    )
    .but(OF_SCIM),
    call(
        Scenarios,
        "POST",
        "/expensereports/v4/users/{}/context/TRAVELER/reports",
        In(
            REPORTS,
            "/expensereports/v4/users/{userId}/context/{contextType}/reports",
        ),
    ),
    call(
        Scenarios,
        "GET",
        "/expensereports/v4/users/{}/context/TRAVELER/reports/{}",
        In(
            REPORTS,
            "/expensereports/v4/users/{userId}/context/{contextType}/reports/{reportId}",
        ),
    ),
    call(
        Scenarios,
        "DELETE",
        "/expensereports/v4/reports/{}/expenses/{}",
        Nowhere("the page on expenses v4"),
    ),
    call(
        Scenarios,
        "GET",
        "/api/v3.0/expense/entries",
        In(ENTRIES, "/expense/entries"),
    ),
    call(
        Scenarios,
        "GET",
        "/api/v3.0/expense/entries/{}",
        In(ENTRIES, "/expense/entries/{id}"),
    ),
    call(
        Scenarios,
        "POST",
        "/api/v3.0/expense/entries",
        In(ENTRIES, "/expense/entries"),
    ),
    call(
        Scenarios,
        "PUT",
        "/api/v3.0/expense/entries/{}",
        In(ENTRIES, "/expense/entries/{id}"),
    ),
    call(
        Scenarios,
        "GET",
        "/list/v4/lists/{}/children",
        In(LIST_ITEM, "/list/v4/lists/{listId}/children"),
    ),
    call(
        Scenarios,
        "GET",
        "/list/v4/lists/{}/items/{}/children",
        In(LIST_ITEM, "/list/v4/lists/{listId}/items/{itemId}/children"),
    ),
    call(
        Scenarios,
        "GET",
        "/list/v4/items/{}",
        In(LIST_ITEM, "/list/v4/items/{itemId}"),
    ),
    call(
        Scenarios,
        "POST",
        "/list/v4/items",
        In(LIST_ITEM, "/list/v4/items"),
    ),
    call(
        Scenarios,
        "PUT",
        "/list/v4/items/{}",
        In(LIST_ITEM, "/list/v4/items/{itemId}"),
    ),
    call(
        Scenarios,
        "DELETE",
        "/list/v4/lists/{}/items/{}",
        In(LIST_ITEM, "/list/v4/lists/{listId}/items/{itemId}"),
    ),
    call(
        Scenarios,
        "POST",
        "/list/v4/lists/{}/bulk",
        In(LIST_ITEM_BULK, "/list/v4/lists/{listId}/bulk"),
    ),
    call(
        Scenarios,
        "PUT",
        "/api/v3.1/invoice/vendors",
        In(VENDORS, "/invoice/vendors"),
    )
    .but(ONE_OF_A_LIST),
    call(
        Scenarios,
        "GET",
        "/api/v3.0/expense/reports",
        Nowhere("the page on expense reports v3"),
    ),
    call(
        Scenarios,
        "PATCH",
        "/expensereports/v4/users/{}/reports/{}/submit",
        Nowhere("the page on expense workflows"),
    ),
    call(
        Scenarios,
        "PATCH",
        "/expensereports/v4/reports/{}/approve",
        In(REPORTS, "/expensereports/v4/reports/{reportId}/approve"),
    ),
    call(
        Scenarios,
        "POST",
        "/quickexpense/v4/users/{}/context/TRAVELER/quickexpenses",
        In(
            QUICK_EXPENSES,
            "/quickexpense/v4/users/{userID}/context/{contextType}/quickexpenses",
        ),
    ),
    call(
        Host,
        "GET",
        "/events/v4/subscriptions/{}",
        In(EVENTS, "/v4/subscriptions/{id}"),
    ),
    call(
        Host,
        "PUT",
        "/events/v4/subscriptions/webhook",
        In(EVENTS, "/v4/subscriptions/webhook"),
    ),
];
