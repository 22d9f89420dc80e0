//! The calls of `reconciliation`: what a comparison of both systems reads.

use super::{CallResult, Instance, SettingsHandle};
use crate::contract::http::{Request, Response};
use crate::contract::reconciliation::{Flow, Page, Period, Reading, Side};
use crate::contract::runs::ObjectStatus;
use crate::contract::types::{Note, ObjectRef};

impl Instance {
    /// `reconciliation.flows`: the flows whose sides can be compared.
    pub fn reconciliation_flows(&mut self, settings: SettingsHandle) -> CallResult<Vec<Flow>> {
        self.call(|store, api| {
            api.ml_connector_sync_reconciliation()
                .call_flows(store, settings.0)
        })
    }

    /// `reconciliation.list-request`: the read of a page of one side of a flow.
    pub fn list_request(
        &mut self,
        settings: SettingsHandle,
        flow: &str,
        side: Side,
        period: &Period,
        cursor: Option<&str>,
    ) -> CallResult<Option<Request>> {
        self.call(|store, api| {
            api.ml_connector_sync_reconciliation()
                .call_list_request(store, settings.0, flow, side, period, cursor)
        })
    }

    /// `reconciliation.read-list`: the records in the answer to that read, or why it has none.
    pub fn read_list(
        &mut self,
        settings: SettingsHandle,
        flow: &str,
        side: Side,
        period: &Period,
        cursor: Option<&str>,
        answer: &Response,
    ) -> CallResult<Result<Page, Note>> {
        self.call(|store, api| {
            api.ml_connector_sync_reconciliation()
                .call_read_list(store, settings.0, flow, side, period, cursor, answer)
        })
    }

    /// `reconciliation.read-one`: a record in full, or what to ask for it.
    pub fn read_one(
        &mut self,
        settings: SettingsHandle,
        flow: &str,
        object: &ObjectRef,
        (answers, known): (&[Response], &[ObjectStatus]),
    ) -> CallResult<Reading> {
        self.call(|store, api| {
            api.ml_connector_sync_reconciliation()
                .call_read_one(store, settings.0, flow, object, answers, known)
        })
    }
}
