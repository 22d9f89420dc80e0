//! How this repository's code is written, in figures: one program for the table that people read
//! and for the gates of `tests/tests/tidy.rs`, so that the two agree.
//!
//! Everything is read from the source files with [`syn`]; nothing is compiled or run.
//!
//! ```no_run
//! let root = std::path::Path::new("/path/to/ml-connector");
//! for package in ml_connector_measure::packages(root).expect("the sources can be read") {
//!     let row = package.summary();
//!     println!("{}: the longest function has {} lines", row.name, row.function_lines.max);
//! }
//! ```

mod lines;
mod package;
mod reader;
mod source;
mod summary;

pub use lines::Lines;
pub use package::{MeasureError, Package, packages};
pub use source::{Doc, Function, PublicItem, Source, Word};
pub use summary::{Percentiles, Summary, table};
