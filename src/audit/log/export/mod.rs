//! Exports: all events that a query finds, in a format for other programs.

mod csv;
mod ocsf;
mod stream;

pub use stream::{Export, start};

use axum::http::{HeaderMap, header};

use crate::{audit::log::model::AuditEvent, error::AppError};

/// A format of exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values (RFC 4180), for spreadsheets.
    Csv,
    /// JSON Lines: each event as in the API.
    JsonLines,
    /// OCSF 1.8 as JSON Lines, for security information systems.
    Ocsf,
}

impl Format {
    /// All formats, in the order of the menu.
    pub const ALL: [Self; 3] = [Self::Csv, Self::JsonLines, Self::Ocsf];

    /// Returns the key in addresses.
    pub fn key(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
            Self::Ocsf => "ocsf",
        }
    }

    /// Returns the name for display.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::JsonLines => "JSON Lines",
            Self::Ocsf => "OCSF",
        }
    }

    /// Says what the format is for.
    pub fn purpose(self) -> &'static str {
        match self {
            Self::Csv => "For a spreadsheet",
            Self::JsonLines => "Every field, one event on a line",
            Self::Ocsf => "For a security system (SIEM)",
        }
    }

    /// Returns the format with this key. `None` for an unknown key.
    pub fn parse(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.key() == key)
    }

    /// Returns the media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::JsonLines | Self::Ocsf => "application/jsonl",
        }
    }

    /// Returns the name of the file.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Csv => "audit-log.csv",
            Self::JsonLines => "audit-log.jsonl",
            Self::Ocsf => "audit-log-ocsf.jsonl",
        }
    }

    /// Returns the format of a request: by its parameter, or else by the media type that it accepts. `None`: a page of the list.
    ///
    /// Errors: [`AppError::Invalid`] for an unknown format.
    pub fn of_request(parameter: Option<&str>, headers: &HeaderMap) -> Result<Option<Self>, AppError> {
        let unknown = || AppError::invalid("format", "The format must be csv, jsonl or ocsf.");
        match parameter {
            Some("json") => Ok(None),
            Some(key) => Self::parse(key).map(Some).ok_or_else(unknown),
            None => {
                let accepted = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
                Ok([("text/csv", Self::Csv), ("application/jsonl", Self::JsonLines)]
                    .into_iter()
                    .find(|(media_type, _)| {
                        accepted.split(',').any(|part| part.split(';').next().is_some_and(|part| part.trim() == *media_type))
                    })
                    .map(|(_, format)| format))
            }
        }
    }

    /// Returns what stands above the first event.
    pub fn head(self) -> Vec<u8> {
        match self {
            Self::Csv => csv::line(&csv::COLUMNS),
            Self::JsonLines | Self::Ocsf => Vec::new(),
        }
    }

    /// Writes an event. `host` is the name of this site.
    pub fn write(self, event: &AuditEvent, host: &str, output: &mut Vec<u8>) {
        match self {
            Self::Csv => output.extend(csv::write(event)),
            Self::JsonLines => write_line(event, output),
            Self::Ocsf => write_line(&ocsf::event(event, host), output),
        }
    }
}

fn write_line(value: &impl serde::Serialize, output: &mut Vec<u8>) {
    serde_json::to_writer(&mut *output, value).expect("texts and numbers are JSON");
    output.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(parameter: Option<&str>, accept: &'static str) -> Option<Format> {
        let headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]);
        Format::of_request(parameter, &headers).unwrap()
    }

    #[test]
    fn the_format_is_that_of_the_parameter_or_of_the_header() {
        assert_eq!(of(None, "application/json"), None);
        assert_eq!(of(None, "text/html, text/csv;q=0.9"), Some(Format::Csv));
        assert_eq!(of(None, "application/jsonl"), Some(Format::JsonLines));
        assert_eq!(of(Some("ocsf"), "text/csv"), Some(Format::Ocsf));
        assert_eq!(of(Some("json"), "text/csv"), None);
        assert!(Format::of_request(Some("xml"), &HeaderMap::new()).is_err());
    }
}
