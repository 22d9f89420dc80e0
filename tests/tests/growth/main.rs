//! Nothing only grows: what a flood costs the store, and how large it is after years.
//!
//! Both tests are short forms. The long ones:
//!
//! ```sh
//! GROWTH=long cargo test --workspace --test growth -- --nocapture
//! ```

mod replays;
mod years;

use std::path::Path;

use ml_connector::store::sqlite::SqliteStore;

fn is_long() -> bool {
    std::env::var("GROWTH").is_ok_and(|form| form == "long")
}

/// Without the pages that are free for what comes next.
async fn bytes_in_use(store: &SqliteStore) -> u64 {
    let tables = store.table_bytes().await.expect("is read");
    tables.iter().map(|(_, bytes)| bytes).sum()
}

/// Of a file; 0 if it is not there.
fn file_bytes(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |file| file.len())
}
