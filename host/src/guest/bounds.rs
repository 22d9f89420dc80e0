//! How much memory an instance may take.

use wasmtime::{ResourceLimiter, StoreLimits, StoreLimitsBuilder};

/// The bounds of an instance, and how large it has become.
pub(super) struct Bounds {
    limits: StoreLimits,
    pub(super) bytes: usize,
}

impl Bounds {
    pub(super) fn new(bytes_max: usize) -> Self {
        // The component has one memory and one table of about a thousand functions in each of its
        // few core modules; more than this is another component.
        let limits = StoreLimitsBuilder::new()
            .memory_size(bytes_max)
            .memories(1)
            .tables(2)
            .table_elements(10_000)
            .instances(16)
            .build();
        Self { limits, bytes: 0 }
    }
}

impl ResourceLimiter for Bounds {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let granted = self.limits.memory_growing(current, desired, maximum)?;
        if granted {
            self.bytes = desired;
        }
        Ok(granted)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.limits.table_growing(current, desired, maximum)
    }

    fn instances(&self) -> usize {
        self.limits.instances()
    }

    fn tables(&self) -> usize {
        self.limits.tables()
    }

    fn memories(&self) -> usize {
        self.limits.memories()
    }
}
