//! HTTP building blocks that several features share: cookies, bodies, entity tags, quotas.

pub mod body;
pub mod cookies;
pub mod etag;
pub mod quota;
