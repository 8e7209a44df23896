//! The id of a request, by which a user's report leads to the log and to the audit log.

use std::sync::Arc;

/// The id of a request. It is ours: what a client sends is ignored, since it could forge another request's id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// Creates a random id: 32 hexadecimal digits.
    pub fn random() -> Self {
        Self(uuid::Uuid::new_v4().simple().to_string().into())
    }

    /// Returns the id as it appears in logs, headers and pages.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
