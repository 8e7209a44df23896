//! HTTP building blocks that several features share: cookies, bodies, entity tags, pages of lists, quotas.

pub mod body;
pub mod cookies;
pub mod etag;
pub mod page;
pub mod quota;
pub mod request_id;
