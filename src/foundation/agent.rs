//! What a client says of itself, made harmless.

use axum::http::HeaderMap;

/// Longer words of a client are cut here, in characters.
const LONGEST: usize = 512;

/// User agent and client hints, made harmless and cut.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Agent {
    /// `User-Agent`.
    pub user_agent: String,
    /// `Sec-CH-UA`: the brands.
    pub brands: String,
    /// `Sec-CH-UA-Platform`.
    pub platform: String,
    /// `Sec-CH-UA-Platform-Version`: tells Windows 11 from Windows 10.
    pub platform_version: String,
    /// `Sec-CH-UA-Mobile` says yes.
    pub mobile: bool,
}

impl Agent {
    /// Reads it from the headers of a request.
    pub fn of(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).map(|value| harmless(value.as_bytes())).unwrap_or_default(); // not sent: empty
        Self {
            user_agent: text("user-agent"),
            brands: text("sec-ch-ua"),
            platform: text("sec-ch-ua-platform").trim_matches('"').to_owned(),
            platform_version: text("sec-ch-ua-platform-version").trim_matches('"').to_owned(),
            mobile: text("sec-ch-ua-mobile") == "?1",
        }
    }
}

/// Text from outside made harmless (WEB-7): cut, and control and bidirectional characters replaced.
fn harmless(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .chars()
        .take(LONGEST)
        .map(|c| if c.is_control() || is_bidirectional(c) { char::REPLACEMENT_CHARACTER } else { c })
        .collect()
}

/// Characters that turn the direction of text, and so can make one name look like another (Unicode TR 36).
fn is_bidirectional(c: char) -> bool {
    matches!(c, '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WEB-7
    #[test]
    fn a_user_agent_is_made_harmless() {
        let told = harmless("ok\r\n\u{202E}<b>\u{7}é".as_bytes());
        assert_eq!(told, "ok\u{FFFD}\u{FFFD}\u{FFFD}<b>\u{FFFD}é");
        assert_eq!(harmless("x".repeat(4000).as_bytes()).len(), 512);
        assert_eq!(harmless(&[0xFF, b'a']), "\u{FFFD}a");
    }
}
