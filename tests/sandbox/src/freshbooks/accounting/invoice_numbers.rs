//! Invoice numbers: assigned where none is given, and refused where they are in use.

use crate::freshbooks::FreshBooks;
use crate::freshbooks::api::errors::ApiError;

impl FreshBooks {
    pub(super) fn next_invoice_number(&mut self) -> String {
        loop {
            let number = format!("{:07}", self.next_invoice_number);
            self.next_invoice_number += 1;
            if !self.invoice_numbers.contains_key(&number) {
                return number;
            }
        }
    }

    pub(super) fn refuse_taken_number(
        &self,
        number: &str,
        own: Option<u64>,
    ) -> Result<(), ApiError> {
        let other = |id: &u64| {
            Some(*id) != own
                && self
                    .invoices
                    .rows
                    .get(id)
                    .is_some_and(|invoice| invoice.head.vis_state != 1)
        };
        let taken = self
            .invoice_numbers
            .get(number)
            .is_some_and(|ids| ids.iter().any(other));
        if taken && !self.config.duplicate_numbers_allowed {
            let refusal = ApiError::field(
                422,
                1029,
                "invoice",
                "invoice_number",
                "Invoice number already in use.",
            );
            return Err(refusal.quoting(number));
        }
        Ok(())
    }

    pub(super) fn reindex_number(&mut self, from: &str, to: &str, id: u64) {
        if let Some(ids) = self.invoice_numbers.get_mut(from) {
            ids.remove(&id);
        }
        self.invoice_numbers
            .entry(to.into())
            .or_default()
            .insert(id);
    }
}
