//! Ids of rows: UUIDv7 as text. They are not secret and grant no access.

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "ssr", derive(sqlx::Type, utoipa::ToSchema), sqlx(transparent), schema(value_type = String, format = Uuid))]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Returns the id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

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
            /// Creates a new id. Ids sort by creation time.
            pub fn new(now: chrono::DateTime<chrono::Utc>) -> Self {
                Self(new_uuid(now).to_string())
            }

            /// Parses an id from untrusted input. `None` if it is not a UUID.
            pub fn parse(text: &str) -> Option<Self> {
                text.parse().ok()
            }
        }
    };
}

id!(
    /// Id of a user account.
    UserId
);
id!(
    /// Id of a session. Not the session token.
    SessionId
);
id!(
    /// Id of an API token. Not its secret.
    TokenId
);
id!(
    /// Id of a mail in the outbox.
    MailId
);
id!(
    /// Id of a one-time token. Not its secret.
    OneTimeTokenId
);
id!(
    /// Id of an access request.
    RequestId
);
id!(
    /// Id of an audit event.
    EventId
);
id!(
    /// Id of a notification that another process left for the server to publish.
    NotificationId
);
id!(
    /// Id of an organization.
    OrganizationId
);
id!(
    /// Id of a portfolio.
    PortfolioId
);
id!(
    /// Id of a plant.
    PlantId
);
id!(
    /// Id of a device of a plant.
    DeviceId
);
id!(
    /// Id of a vendor.
    VendorId
);
id!(
    /// Id of a grant.
    GrantId
);

#[cfg(feature = "ssr")]
fn new_uuid(now: chrono::DateTime<chrono::Utc>) -> uuid::Uuid {
    let seconds = u64::try_from(now.timestamp()).unwrap_or_default(); // before 1970: impossible in practice
    let time = uuid::Timestamp::from_unix(uuid::NoContext, seconds, now.timestamp_subsec_nanos());
    uuid::Uuid::new_v7(time)
}
