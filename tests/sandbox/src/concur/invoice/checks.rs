//! What a payment request must find in the company: one vendor, an owner or a policy, known codes
//! (source: concur-payment-request).

use super::body::{LineAllocation, PaymentRequestBody, VendorIdentifier};
use super::payment_requests::missing_field;
use crate::concur::Concur;
use crate::concur::gateway::GatewayError;
use crate::concur::vendors::record::{Vendor, is_country};
use crate::money::Currency;

/// One of these must be there, so that the request finds an owner or a policy.
const OWNER_KEYS: [&str; 6] = [
    "LedgerCode",
    "EmployeeLoginId",
    "EmployeeId",
    "PurchaseOrderNumber",
    "EmployeeEmailAddress",
    "ExternalPolicyId",
];

impl Concur {
    /// The one vendor that an identifier fits.
    pub(crate) fn match_vendor(
        &self,
        identifier: &VendorIdentifier,
    ) -> Result<&Vendor, GatewayError> {
        let same = |vendor: &Vendor, field: &str, wanted: &Option<String>| {
            wanted
                .as_ref()
                .is_none_or(|wanted| vendor.texts.get(field).eq_ignore_ascii_case(wanted))
        };
        let fits = |vendor: &&Vendor| {
            same(vendor, "AddressCode", &identifier.address_code)
                && same(vendor, "VendorName", &identifier.name)
                && same(vendor, "Address1", &identifier.address1)
                && same(vendor, "PostalCode", &identifier.postal_code)
        };
        let by_address = identifier.name.is_some()
            && identifier.address1.is_some()
            && identifier.postal_code.is_some();
        let found: Vec<&Vendor> = match &identifier.code {
            Some(code) => self
                .vendors
                .addresses_of_code(code)
                .filter(fits)
                .take(2)
                .collect(),
            None if by_address => self.vendors.rows.values().filter(fits).take(2).collect(),
            None => return Err(missing_field("VendorCode")),
        };
        match found.as_slice() {
            [vendor] => Ok(vendor),
            [] => Err(GatewayError::bad_request("Vendor could not be matched.")),
            _ => Err(GatewayError::bad_request(
                "More than one vendor was matched.",
            )),
        }
    }

    /// The owner that the first matching employee key names; other keys do as well if there is
    /// none.
    pub(crate) fn match_owner(
        &self,
        body: &PaymentRequestBody,
    ) -> Result<Option<usize>, GatewayError> {
        let get = |name: &str| Some(body.header.get(name)).filter(|text| !text.is_empty());
        if !OWNER_KEYS.iter().any(|name| get(name).is_some()) {
            return Err(missing_field("EmployeeLoginId"));
        }
        let employees = &self.config.employees;
        let by_login = || {
            employees
                .iter()
                .position(|e| Some(e.login_id.as_str()) == get("EmployeeLoginId"))
        };
        let by_number = || {
            employees
                .iter()
                .position(|e| Some(e.employee_id.as_str()) == get("EmployeeId"))
        };
        let by_email = || {
            employees
                .iter()
                .position(|e| Some(e.email.as_str()) == get("EmployeeEmailAddress"))
        };
        let owner = by_login().or_else(by_number).or_else(by_email);
        let otherwise = ["LedgerCode", "PurchaseOrderNumber", "ExternalPolicyId"]
            .iter()
            .any(|name| get(name).is_some());
        if owner.is_none() && !otherwise {
            return Err(GatewayError::bad_request(
                "The employee could not be matched.",
            ));
        }
        Ok(owner)
    }

    /// Checks codes that the company configures.
    pub(crate) fn check_payment_request(
        &self,
        body: &PaymentRequestBody,
    ) -> Result<(), GatewayError> {
        let get = |name: &str| Some(body.header.get(name)).filter(|text| !text.is_empty());
        if get("CurrencyCode").is_some_and(|code| Currency::parse(code).is_none()) {
            return Err(GatewayError::bad_request("CurrencyCode is not valid."));
        }
        if get("CountryCode").is_some_and(|code| !is_country(code)) {
            return Err(GatewayError::bad_request("CountryCode is not valid."));
        }
        if let Some(code) =
            get("LedgerCode").filter(|code| !self.config.ledgers.contains_key(*code))
        {
            return Err(GatewayError::bad_request(format!(
                "LedgerCode {code} is not valid."
            )));
        }
        for line in &body.lines {
            let code = line.texts.get("ExpenseTypeCode");
            if !code.is_empty() && !self.config.expense_types.contains_key(code) {
                return Err(GatewayError::bad_request(format!(
                    "ExpenseTypeCode {code} is not valid."
                )));
            }
            line.allocations
                .iter()
                .flatten()
                .try_for_each(|allocation| self.check_allocation(allocation))?;
        }
        Ok(())
    }

    fn check_allocation(&self, allocation: &LineAllocation) -> Result<(), GatewayError> {
        for (name, codes) in &self.config.allocation_lists {
            let code = allocation.texts.get(name);
            if !code.is_empty() && !codes.contains(code) {
                return Err(GatewayError::bad_request(format!(
                    "{name} {code} is not a valid list item code."
                )));
            }
        }
        Ok(())
    }
}
