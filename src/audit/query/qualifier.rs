//! The qualifiers, with their names for the menu.

/// What a term with a colon is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Qualifier {
    /// The person, API token or process that did it.
    Actor,
    /// The account that it was done to.
    Subject,
    /// What was done.
    Action,
    /// The organization that it concerns.
    Organization,
    /// The portfolio that it concerns.
    Portfolio,
    /// The plant that it concerns.
    Plant,
    /// The device that it concerns.
    Device,
    /// The IP address of the request.
    Ip,
    /// The country of the IP address.
    Country,
    /// Whether it was done or refused.
    Outcome,
    /// The session of the request.
    Session,
    /// The API token of the request.
    Token,
    /// When it happened.
    Created,
}

impl Qualifier {
    /// All qualifiers in the order of the menu.
    pub const ALL: [Self; 13] = [
        Self::Actor,
        Self::Subject,
        Self::Action,
        Self::Organization,
        Self::Portfolio,
        Self::Plant,
        Self::Device,
        Self::Ip,
        Self::Country,
        Self::Outcome,
        Self::Session,
        Self::Token,
        Self::Created,
    ];

    /// Returns the name in the query, without the colon.
    pub fn key(self) -> &'static str {
        match self {
            Self::Actor => "actor",
            Self::Subject => "subject",
            Self::Action => "action",
            Self::Organization => "organization",
            Self::Portfolio => "portfolio",
            Self::Plant => "plant",
            Self::Device => "device",
            Self::Ip => "ip",
            Self::Country => "country",
            Self::Outcome => "outcome",
            Self::Session => "session",
            Self::Token => "token",
            Self::Created => "created",
        }
    }

    /// Returns the name in the menu.
    pub fn label(self) -> &'static str {
        match self {
            Self::Actor => "Who did it",
            Self::Subject => "Whose account",
            Self::Action => "What was done",
            Self::Organization => "Organization",
            Self::Portfolio => "Portfolio",
            Self::Plant => "Plant",
            Self::Device => "Device",
            Self::Ip => "IP address",
            Self::Country => "Country",
            Self::Outcome => "Outcome",
            Self::Session => "Session",
            Self::Token => "API token",
            Self::Created => "When",
        }
    }

    /// Returns what the value is, for the menu.
    pub fn description(self) -> &'static str {
        match self {
            Self::Actor => "Name, username, email address or id of the person",
            Self::Subject => "Name, username, email address or id of the person whose account it concerns",
            Self::Action => "An action such as session.revoked, or all of one kind: session.*",
            Self::Organization => "Name or id of the organization",
            Self::Portfolio => "Name or id of the portfolio",
            Self::Plant => "Name or id of the plant",
            Self::Device => "Name or id of the device",
            Self::Ip => "An address, or a network such as 192.0.2.0/24",
            Self::Country => "Two letters, such as DE",
            Self::Outcome => "success or refused",
            Self::Session => "Name or id of the session",
            Self::Token => "Name or id of the API token",
            Self::Created => "A day, a time, a range of them, or a period such as last 30 days",
        }
    }

    /// Finds a qualifier by its key, in upper or lower case.
    pub(super) fn parse(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|qualifier| qualifier.key().eq_ignore_ascii_case(key))
    }

    /// Returns a sentence with what can be written, for errors.
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::Actor => "Write a person, such as actor:alice or actor:\"Alice Lindqvist\".",
            Self::Subject => "Write a person, such as subject:alice or subject:\"Alice Lindqvist\".",
            Self::Action => "Write an action, such as action:session.revoked, or all actions of one kind, such as action:session.*.",
            Self::Organization => "Write a name or an id, such as organization:Solarwerke or organization:\"Solarwerke Nord\".",
            Self::Portfolio => "Write a name or an id, such as portfolio:North or portfolio:\"Portfolio North\".",
            Self::Plant => "Write a name or an id, such as plant:Jardelund or plant:\"Speicher Jardelund\".",
            Self::Device => "Write a name or an id, such as device:SCADA or device:\"Inverter 3\".",
            Self::Ip => "Write an address or a network, such as ip:192.0.2.7, ip:192.0.2.0/24 or ip:2001:db8::/32.",
            Self::Country => "Write a country code of two letters, such as country:DE.",
            Self::Outcome => "Write outcome:success or outcome:refused.",
            Self::Session => "Write a name or an id, such as session:\"Work laptop\".",
            Self::Token => "Write a name or an id, such as token:\"Nightly backup\".",
            Self::Created => {
                "Write a day or a time (created:2026-05-01, created:2026-05-01T10:00), a limit (created:>=2026-05-01, \
                 created:<2026-05-03), a range (created:2026-05-01..2026-05-03), a period (created:\"last 30 days\", \
                 also hours, weeks or months) or created:all."
            }
        }
    }
}
