//! The headers in which a client describes itself: user agent and client hints, sanitized.

use axum::http::HeaderMap;

use crate::foundation::text::is_invisible;

/// Longer header values are truncated to this many characters.
const MAX_CHARS: usize = 512;

/// User agent and client hints, sanitized and truncated.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct UserAgentHeaders {
    /// `User-Agent`.
    pub user_agent: String,
    /// `Sec-CH-UA`: the brands.
    pub brands: String,
    /// `Sec-CH-UA-Platform`.
    pub platform: String,
    /// `Sec-CH-UA-Platform-Version`: distinguishes Windows 11 from Windows 10.
    pub platform_version: String,
    /// Whether `Sec-CH-UA-Mobile` is `?1`.
    pub is_mobile: bool,
}

impl UserAgentHeaders {
    /// Reads them from the headers of a request. Headers that were not sent are empty.
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).map(|value| sanitize(value.as_bytes())).unwrap_or_default();
        Self {
            user_agent: text("user-agent"),
            brands: text("sec-ch-ua"),
            platform: text("sec-ch-ua-platform").trim_matches('"').to_owned(),
            platform_version: text("sec-ch-ua-platform-version").trim_matches('"').to_owned(),
            is_mobile: text("sec-ch-ua-mobile") == "?1",
        }
    }
}

/// Sanitizes external text (WEB-7): truncates it, and replaces control, bidirectional and invisible characters with U+FFFD.
fn sanitize(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .chars()
        .take(MAX_CHARS)
        .map(|c| if c.is_control() || is_invisible(c) { char::REPLACEMENT_CHARACTER } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WEB-7
    #[test]
    fn a_user_agent_is_sanitized() {
        let sanitized = sanitize("ok\r\n\u{202E}<b>\u{7}é".as_bytes());
        assert_eq!(sanitized, "ok\u{FFFD}\u{FFFD}\u{FFFD}<b>\u{FFFD}é");
        assert_eq!(sanitize("x".repeat(4000).as_bytes()).len(), 512);
        assert_eq!(sanitize(&[0xFF, b'a']), "\u{FFFD}a");
    }
}
