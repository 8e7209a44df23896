//! What the process logs, for tests that read it. One subscriber serves a whole process, so such a test is alone in its file.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Records from now on what passes this filter: one JSON object a line.
    pub fn start(filter: &str) -> Self {
        let log = Self::default();
        tracing_subscriber::fmt().with_env_filter(EnvFilter::new(filter)).json().flatten_event(true).with_writer(log.clone()).init();
        log
    }

    /// Takes what was logged since it was last asked.
    pub fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
