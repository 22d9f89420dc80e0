//! Pages of clients, bill vendors and vendors: those that are linked and changed get a run.

use crate::contract::runs::Ending;
use crate::flow::{EarlyEnd, Flow};

pub(super) async fn compare_parties(
    flow: &Flow,
    kind: &str,
    _page: u32,
) -> Result<Ending, EarlyEnd> {
    let _ = flow;
    Ok(super::not_enabled(kind))
}

pub(super) async fn compare_vendors(flow: &Flow, _offset: u64) -> Result<Ending, EarlyEnd> {
    let _ = flow;
    Ok(super::not_enabled("vendor"))
}
