//! The values of qualifiers.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use super::{created::Created, error::QueryError, qualifier::Qualifier};

/// A value. [`Display`](fmt::Display) writes it without quotes, as on a chip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// An id or a name, as entered (of `actor:`, `subject:`, `organization:`, `portfolio:`, `plant:`, `device:`, `session:`, `token:`).
    Text(String),
    /// Actions (of `action:`).
    Action(ActionPattern),
    /// An address or a network (of `ip:`).
    Ip(IpNetwork),
    /// Two letters in upper case (of `country:`). Whether there is such a country is not checked.
    Country(String),
    /// An outcome (of `outcome:`).
    Outcome(Outcome),
    /// A period (of `created:`).
    Created(Created),
}

/// Which actions. The parts are lower-case letters, digits and underscores; whether there is such an action is not checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActionPattern {
    /// One action, such as `session.revoked`.
    One(String),
    /// All actions of a noun, such as `session` for `session.*`.
    AllOf(String),
}

/// The outcome of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Success,
    /// It was refused.
    Refused,
}

/// A network. A single address has the longest prefix. IPv4-mapped IPv6 addresses are IPv4 addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IpNetwork {
    /// The first address of the network.
    pub address: IpAddr,
    /// The length of the prefix, in bits: 0 to 32, or to 128 for IPv6.
    pub prefix: u8,
}

impl Value {
    /// Parses the trimmed value of a qualifier.
    pub(super) fn parse(qualifier: Qualifier, text: &str) -> Result<Self, QueryError> {
        if text.is_empty() {
            return Err(QueryError::EmptyValue { qualifier });
        }
        let value = match qualifier {
            Qualifier::Action => ActionPattern::parse(text).map(Self::Action),
            Qualifier::Ip => IpNetwork::parse(text).map(Self::Ip),
            Qualifier::Country => parse_country(text).map(Self::Country),
            Qualifier::Outcome => Outcome::parse(text).map(Self::Outcome),
            Qualifier::Created => Created::parse(text).map(Self::Created),
            _ => Some(Self::Text(text.to_owned())),
        };
        value.ok_or_else(|| QueryError::InvalidValue { qualifier, value: text.to_owned() })
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) | Self::Country(text) => f.write_str(text),
            Self::Action(pattern) => pattern.fmt(f),
            Self::Ip(network) => network.fmt(f),
            Self::Outcome(outcome) => f.write_str(outcome.key()),
            Self::Created(created) => created.fmt(f),
        }
    }
}

impl ActionPattern {
    fn parse(text: &str) -> Option<Self> {
        let is_part = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let text = text.to_ascii_lowercase();
        match text.split_once('.')? {
            (noun, "*") if is_part(noun) => Some(Self::AllOf(noun.to_owned())),
            (noun, verb) if is_part(noun) && is_part(verb) => Some(Self::One(text)),
            _ => None,
        }
    }
}

impl fmt::Display for ActionPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(action) => f.write_str(action),
            Self::AllOf(noun) => write!(f, "{noun}.*"),
        }
    }
}

impl Outcome {
    /// Returns the name in queries and in the API.
    pub fn key(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Refused => "refused",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Success, Self::Refused].into_iter().find(|outcome| outcome.key().eq_ignore_ascii_case(text))
    }
}

impl IpNetwork {
    /// Returns whether the network is a single address.
    pub fn is_single(&self) -> bool {
        self.prefix == if self.address.is_ipv4() { 32 } else { 128 }
    }

    /// Returns whether an address is in the network.
    pub fn contains(&self, ip: IpAddr) -> bool {
        let same = match ip.to_canonical() {
            IpAddr::V4(ip) => Self::v4(ip, self.prefix),
            IpAddr::V6(ip) => Self::v6(ip, self.prefix),
        };
        ip.to_canonical().is_ipv4() == self.address.is_ipv4() && same == Some(*self)
    }

    /// Parses an address or a network in CIDR notation (RFC 4632, RFC 4291). Bits beyond the prefix are cleared.
    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) if prefix.chars().all(|c| c.is_ascii_digit()) => (address, Some(prefix.parse().ok()?)),
            Some(_) => return None,
            None => (text, None),
        };
        match (address.parse::<IpAddr>().ok()?, prefix) {
            (IpAddr::V4(address), prefix) => Self::v4(address, prefix.unwrap_or(32)),
            (IpAddr::V6(address), prefix) => Self::v6(address, prefix.unwrap_or(128)),
        }
    }

    fn v4(address: Ipv4Addr, prefix: u8) -> Option<Self> {
        let mask = u32::MAX.checked_shl(32_u32.checked_sub(prefix.into())?).unwrap_or(0);
        Some(Self { address: (address & Ipv4Addr::from_bits(mask)).into(), prefix })
    }

    fn v6(address: Ipv6Addr, prefix: u8) -> Option<Self> {
        let mask = u128::MAX.checked_shl(128_u32.checked_sub(prefix.into())?).unwrap_or(0);
        match (address.to_ipv4_mapped(), prefix.checked_sub(96)) {
            (Some(mapped), Some(prefix)) => Self::v4(mapped, prefix),
            _ => Some(Self { address: (address & Ipv6Addr::from_bits(mask)).into(), prefix }),
        }
    }
}

impl fmt::Display for IpNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_single() { self.address.fmt(f) } else { write!(f, "{}/{}", self.address, self.prefix) }
    }
}

fn parse_country(text: &str) -> Option<String> {
    (text.len() == 2 && text.chars().all(|c| c.is_ascii_alphabetic())).then(|| text.to_ascii_uppercase())
}
