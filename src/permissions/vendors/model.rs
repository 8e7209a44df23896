//! Vendors, as the API shows them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    accounts::{model::confusable_skeleton, store::normalize_name},
    error::AppError,
    foundation::{
        ids::VendorId,
        text::{is_blank, is_deceptive},
    },
    permissions::model::Person,
};

/// Longest name of a vendor, in characters.
const MAX_NAME_CHARS: usize = 80;

/// A vendor: a company whose people reach plants of an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Vendor {
    /// Unique id.
    pub id: VendorId,
    /// Name, unique in the organization.
    pub name: String,
    /// Who works for it.
    pub people: Vec<VendorPerson>,
    /// Number of plants that at least one of them reaches.
    pub plants: i64,
    /// When the last of its grants ends. Null without grants.
    pub expires_at: Option<DateTime<Utc>>,
    /// When one of its grants last opened something. Null if none ever did.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// Somebody who works for a vendor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct VendorPerson {
    /// The person.
    pub user: Person,
    /// Number of plants that the person reaches.
    pub plants: i64,
    /// When the last of the person's grants ends. Null without grants.
    pub expires_at: Option<DateTime<Utc>>,
    /// When one of the person's grants last opened something. Null if none ever did.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// Returns the name of a vendor with single spaces.
///
/// Errors: it does not have 1 to 80 characters in one line, or some that nobody sees.
pub fn check_vendor_name(name: &str) -> Result<String, AppError> {
    let is_plain = !name.trim().chars().any(is_deceptive);
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_valid = is_plain && !is_blank(&name) && name.chars().count() <= MAX_NAME_CHARS;
    let message = format!("The name of a vendor has 1 to {MAX_NAME_CHARS} characters without line breaks and invisible characters.");
    if is_valid { Ok(name) } else { Err(AppError::invalid("vendor", message)) }
}

/// Returns what identifies a vendor by its name: names that look alike are the same.
pub fn name_skeleton(name: &str) -> String {
    confusable_skeleton(&normalize_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vendors_whose_names_look_alike_are_the_same() {
        for other in ["ACME Café", "Acme  Cafe\u{301}", "Acme \u{200D} Café", "Acme Cafe\u{200D}\u{301}", "\u{200D} Acme Café \u{200D}"]
        {
            assert_eq!(name_skeleton("Acme Café"), name_skeleton(other), "{other:?}");
        }
        assert_ne!(name_skeleton("Acme Café"), name_skeleton("Acme Cafe"));
    }
}
