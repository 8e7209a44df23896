//! Roles, grants and their scopes, as the API shows them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    error::AppError,
    foundation::{
        ids::{GrantId, OrganizationId, PlantId, PortfolioId, UserId},
        text::{is_blank, is_deceptive},
    },
};

/// Longest reason of a grant or closure, in characters.
pub const MAX_REASON_CHARS: usize = 500;

/// A plant role: what a person may do with plants. Named after the closest roles of IEC 62351-8: VIEWER, ENGINEER / INSTALLER, OPERATOR
/// and SECAUD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees the plant.
    Viewer,
    /// Opens its devices too.
    Technician,
    /// Manages the plant and reads its audit log too.
    Operator,
    /// Sees the plant and reads its audit log.
    Auditor,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Technician, Self::Operator, Self::Auditor];

    /// Returns the key of the role in forms and in the API.
    pub fn key(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Technician => "technician",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
        }
    }

    /// Returns the name for display.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "Viewer",
            Self::Technician => "Technician",
            Self::Operator => "Operator",
            Self::Auditor => "Auditor",
        }
    }

    /// Describes what the role allows.
    pub fn purpose(self) -> &'static str {
        match self {
            Self::Viewer => "Sees the plant",
            Self::Technician => "Opens its devices too",
            Self::Operator => "Manages it and reads its log too",
            Self::Auditor => "Sees it and reads its log",
        }
    }

    /// Returns the role with this key. `None` for an unknown key.
    pub fn parse(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.key() == key)
    }
}

/// An organization role: what a person may administer. Opens no device by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum OrganizationRole {
    /// Belongs to the organization.
    Member,
    /// Manages plants, grants and members, except owners.
    Administrator,
    /// Manages everything in the organization.
    Owner,
}

impl OrganizationRole {
    /// All roles, the narrowest first.
    pub const ALL: [Self; 3] = [Self::Member, Self::Administrator, Self::Owner];

    /// Returns the key of the role in forms and in the API.
    pub fn key(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Administrator => "administrator",
            Self::Owner => "owner",
        }
    }

    /// Returns the name for display.
    pub fn name(self) -> &'static str {
        match self {
            Self::Member => "Member",
            Self::Administrator => "Administrator",
            Self::Owner => "Owner",
        }
    }

    /// Returns the role with this key. `None` for an unknown key.
    pub fn parse(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.key() == key)
    }

    /// Returns whether the role administers the organization.
    pub fn administers(self) -> bool {
        matches!(self, Self::Administrator | Self::Owner)
    }
}

/// What a grant or a decision is about: an organization, a portfolio or a plant, with all that it contains.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeId {
    /// An organization.
    Organization(OrganizationId),
    /// A portfolio.
    Portfolio(PortfolioId),
    /// A plant.
    Plant(PlantId),
}

impl std::fmt::Display for ScopeId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Organization(id) => id.fmt(f),
            Self::Portfolio(id) => id.fmt(f),
            Self::Plant(id) => id.fmt(f),
        }
    }
}

impl ScopeId {
    /// Returns the kind.
    pub fn kind(&self) -> ScopeKind {
        match self {
            Self::Organization(_) => ScopeKind::Organization,
            Self::Portfolio(_) => ScopeKind::Portfolio,
            Self::Plant(_) => ScopeKind::Plant,
        }
    }
}

/// The kind of a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum ScopeKind {
    /// All plants of an organization.
    Organization,
    /// All plants of a portfolio.
    Portfolio,
    /// One plant.
    Plant,
}

impl ScopeKind {
    /// Returns the key of the kind in forms and in the API.
    pub fn key(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Portfolio => "portfolio",
            Self::Plant => "plant",
        }
    }
}

/// The scope of a grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Scope {
    /// Whether it is an organization, a portfolio or a plant.
    pub kind: ScopeKind,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A person, as others see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Person {
    /// Id of the account.
    pub id: UserId,
    /// Display name.
    pub name: String,
    /// Username.
    pub username: String,
}

/// A grant: a plant role of a person in a scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Grant {
    /// Unique id.
    pub id: GrantId,
    /// Who has the role.
    pub user: Person,
    /// The role.
    pub role: Role,
    /// Where the role applies.
    pub scope: Scope,
    /// The organization that the scope belongs to.
    pub organization: OrganizationId,
    /// Why it was granted.
    pub reason: String,
    /// Name of the vendor that the person works for in this organization. Null for others.
    pub vendor: Option<String>,
    /// Who granted it. Null: the command line.
    pub granted_by: Option<Person>,
    /// When it was granted.
    pub granted_at: DateTime<Utc>,
    /// When it ends. Null: no end.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it last opened something. Null if it never did.
    pub last_used_at: Option<DateTime<Utc>>,
}

impl Grant {
    /// Returns the id of the scope.
    pub fn scope_id(&self) -> Option<ScopeId> {
        Some(match self.scope.kind {
            ScopeKind::Organization => ScopeId::Organization(OrganizationId::parse(&self.scope.id)?),
            ScopeKind::Portfolio => ScopeId::Portfolio(PortfolioId::parse(&self.scope.id)?),
            ScopeKind::Plant => ScopeId::Plant(PlantId::parse(&self.scope.id)?),
        })
    }
}

/// Returns the trimmed reason of a grant or closure, with plain line breaks.
///
/// Errors: it is empty, longer than 500 characters, or has some that nobody sees.
pub fn check_reason(reason: &str) -> Result<String, AppError> {
    let reason = reason.trim().replace("\r\n", "\n");
    let is_plain = !reason.chars().any(|c| is_deceptive(c) && c != '\n');
    let is_valid = is_plain && !is_blank(&reason) && reason.chars().count() <= MAX_REASON_CHARS;
    let message = format!("Enter a reason of at most {MAX_REASON_CHARS} characters, without invisible ones.");
    if is_valid { Ok(reason) } else { Err(AppError::invalid("reason", message)) }
}
