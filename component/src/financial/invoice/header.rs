//! What the header of an invoice says of shipping and tax.

use alloc::vec::Vec;

use rust_decimal::Decimal;

use crate::concur::document_schema::RequestHeader;
use crate::financial::account::Account;
use crate::financial::posting::Posting;

/// Shipping and tax of the header.
pub(in crate::financial) struct Header<'a> {
    pub(super) shipping: Decimal,
    /// The tax as one amount.
    tax: Decimal,
    /// The tax as up to four amounts, `VAT1` to `VAT4`.
    vats: Decimal,
    /// Those of them that the company gets back.
    pub(super) reclaimed: Vec<(Account<'a>, Decimal)>,
}

impl<'a> Header<'a> {
    pub(in crate::financial) fn read(
        header: &RequestHeader<'a>,
        posting: &mut Posting<'a>,
    ) -> Self {
        let shipping_at = format_args!("/requestHeader/amountShippingTotal");
        let shipping = posting.optional_amount(shipping_at, &header.shipping);
        let tax_at = format_args!("/requestHeader/amountTax");
        let tax = posting.optional_amount(tax_at, &header.tax);
        let mut read = Self {
            shipping: shipping.unwrap_or_default(),
            tax: tax.unwrap_or_default(),
            vats: Decimal::ZERO,
            reclaimed: Vec::new(),
        };
        let vats = [
            ("VAT1", &header.vat_1),
            ("VAT2", &header.vat_2),
            ("VAT3", &header.vat_3),
            ("VAT4", &header.vat_4),
        ];
        for (field, amount) in vats {
            let at = format_args!("/requestHeader/amount{field}");
            let amount = posting.optional_amount(at, amount).unwrap_or_default();
            read.vats += amount;
            let amount = posting.round(amount);
            let account = posting.account_of_invoice_tax(at, None, Some(field.into()));
            if let Some(account) = account.filter(|_| !amount.is_zero()) {
                read.reclaimed.push((account, amount));
            }
        }
        read
    }

    /// What the header's tax may be: as one amount, or as several where that one is not their sum.
    pub(super) fn taxes(&self) -> Vec<Decimal> {
        let mut taxes = alloc::vec![self.tax];
        if self.vats != self.tax && !self.vats.is_zero() {
            taxes.push(self.vats);
        }
        taxes
    }

    /// The part of the tax that is posted for itself instead of being spread over the rows.
    pub(in crate::financial) fn tax_apart(&self) -> Decimal {
        self.reclaimed.iter().map(|(_, amount)| amount).sum()
    }
}
