//! Ids: UUIDv7 as text. They name rows and open nothing.

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "ssr", derive(sqlx::Type, utoipa::ToSchema), sqlx(transparent), schema(value_type = String, format = Uuid))]
        #[serde(transparent)]
        pub struct $name(String);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        #[cfg(feature = "ssr")]
        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                uuid::Uuid::try_parse(text).map(|id| Self(id.to_string()))
            }
        }

        #[cfg(feature = "ssr")]
        impl $name {
            /// A new id, ordered by the time it was made.
            pub fn new(now: chrono::DateTime<chrono::Utc>) -> Self {
                Self(new_uuid(now).to_string())
            }

            /// What somebody outside sent, if it has the form of an id. Another form names nothing.
            pub fn parse(text: &str) -> Option<Self> {
                text.parse().ok()
            }
        }
    };
}

id!(
    /// Names an account.
    UserId
);
id!(
    /// Names a session. The token that opens it is another value.
    SessionId
);
id!(
    /// Names an API token. The secret that it is used by is another value.
    TokenId
);
id!(
    /// Names a mail.
    MailId
);
id!(
    /// Names a one-time token. The secret that spends it is another value.
    OneTimeTokenId
);
id!(
    /// Names a request to join.
    RequestId
);
id!(
    /// Names an event of the audit log.
    EventId
);
id!(
    /// Names a change that another process left for the server to publish.
    NotificationId
);

#[cfg(feature = "ssr")]
fn new_uuid(now: chrono::DateTime<chrono::Utc>) -> uuid::Uuid {
    let seconds = u64::try_from(now.timestamp()).unwrap_or_default(); // before 1970: no clock says so
    let time = uuid::Timestamp::from_unix(uuid::NoContext, seconds, now.timestamp_subsec_nanos());
    uuid::Uuid::new_v7(time)
}
