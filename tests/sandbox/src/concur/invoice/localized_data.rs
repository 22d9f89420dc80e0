//! Localised data: the codes a company knows (source: concur-localized-data).

use serde_json::{Value, json};

use crate::concur::Concur;
use crate::concur::gateway::{GatewayCall, GatewayError, Reply};
use crate::http::first_value;

impl Concur {
    /// Answers `GET /api/v3.0/invoice/localizeddata?type=&langCode=` with the codes of one type.
    pub(crate) fn handle_localized_data(&self, call: &GatewayCall) -> Result<Reply, GatewayError> {
        if call.method != "GET" {
            return Err(GatewayError::method_not_allowed(call.method));
        }
        let kind = first_value(&call.query, "type").unwrap_or_default();
        let codes = self
            .codes(kind)
            .ok_or_else(|| GatewayError::bad_request(format!("type {kind} is not valid.")))?;
        let language = first_value(&call.query, "langCode").unwrap_or("en");
        let row = |(code, text): (&str, &str)| {
            json!({"Code": code, "LangCode": language,
            "LocalizedValue": text})
        };
        let rows: Vec<Value> = codes.into_iter().map(row).collect();
        let body = json!({"TotalCount": rows.len(), "LocalizationData": rows});
        Ok(Reply::ok("LocalizationDataCollection", body))
    }

    fn codes(&self, kind: &str) -> Option<Vec<(&str, &str)>> {
        let configured = |codes: &'static [(&'static str, &'static str)]| Some(codes.to_vec());
        match kind {
            "approvalStatus" => {
                let [fresh, submitted, approved] = &self.config.payment_requests.approval_codes;
                Some(vec![
                    (fresh, "Not Submitted"),
                    (submitted, "Pending Approval"),
                    (approved, "Approved"),
                ])
            }
            "paymentStatus" => configured(&[("R_NOTP", "Not Paid"), ("R_PAID", "Paid")]),
            "expenseType" => Some(
                self.config
                    .expense_types
                    .iter()
                    .map(|(c, t)| (c.as_str(), t.as_str()))
                    .collect(),
            ),
            "ledgerCode" => Some(
                self.config
                    .ledgers
                    .iter()
                    .map(|(c, t)| (c.as_str(), t.as_str()))
                    .collect(),
            ),
            "dataSourceCode" => configured(&[("MAN", "Manual")]),
            "payMethod" => configured(&[("CLIENT", "Client")]),
            "receiptConfirmation" => configured(&[("NONE", "None")]),
            "unitOfMeasure" => configured(&[("EA", "Each"), ("HR", "Hour")]),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::test_support::concur::ConcurHarness;

    #[test]
    fn every_documented_type_has_codes() {
        let mut harness = ConcurHarness::new();
        let kinds = "approvalStatus paymentStatus expenseType ledgerCode dataSourceCode payMethod \
            receiptConfirmation unitOfMeasure";
        for kind in kinds.split(' ') {
            let path = format!("/api/v3.0/invoice/localizeddata?type={kind}&langCode=de");
            let body = harness.send("GET", &path, None).value();
            assert_eq!(body["LocalizationData"][0]["LangCode"], "de", "{kind}");
            assert!(body["TotalCount"].as_u64() > Some(0));
        }
    }

    #[test]
    fn unknown_types_are_400() {
        let mut harness = ConcurHarness::new();
        assert_eq!(
            harness
                .send("GET", "/api/v3.0/invoice/localizeddata?type=x", None)
                .status,
            400
        );
        assert_eq!(
            harness
                .send(
                    "POST",
                    "/api/v3.0/invoice/localizeddata?type=payMethod",
                    None
                )
                .status,
            405
        );
    }
}
