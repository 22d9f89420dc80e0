use alloc::string::String;

use super::*;
use crate::contract::http::Request;
use crate::error_bodies::Unread;
use crate::error_bodies::tests::answer;

fn target(request: Request) -> String {
    request.path_with_query
}

#[test]
fn an_id_stays_one_segment_of_the_path() {
    assert_eq!(
        target(get_document("zQ7pLm", Kind::Invoice, "778120")),
        "/accounting/account/zQ7pLm/invoices/invoices/778120?include%5B%5D=lines"
    );
    let path = target(get_document("a", Kind::Bill, "1/../../users?x=#%é"));
    assert_eq!(
        path,
        "/accounting/account/a/bills/bills/1%2F%2E%2E%2F%2E%2E%2Fusers%3Fx%3D%23%25%C3%A9?include%5B%5D=lines&include%5B%5D=vendor"
    );
    assert_eq!(
        target(get_client("a", "1/2")),
        "/accounting/account/a/users/clients/1%2F2"
    );
    assert_eq!(
        target(get_bill_vendor("a", "1")),
        "/accounting/account/a/bill_vendors/bill_vendors/1"
    );
}

#[test]
fn a_200_without_a_result_is_a_refusal_or_garbled() {
    let refused =
        answer(r#"{"response":{"errors":[{"errno":41001,"message":"Not in this plan."}]}}"#);
    assert!(
        matches!(read_bill(&refused), Err(Unread::Refused(refusal)) if refusal.has_code("41001"))
    );
    for body in [
        "",
        "<html>",
        "{}",
        r#"{"response":{}}"#,
        r#"{"response":{"result":{}}}"#,
    ] {
        assert!(
            matches!(read_bill(&answer(body)), Err(Unread::Garbled(_))),
            "{body}"
        );
    }
}
