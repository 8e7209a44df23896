//! Cookies: `__Host-` and `Secure` over https, always `HttpOnly` and `SameSite=Lax` (WEB-1).

use axum::http::{HeaderMap, HeaderValue, header};

/// The cookies that this site sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookie {
    /// The session's token.
    Session,
    /// Knows a browser again after its sessions ended.
    Device,
    /// Between the password and the code: not a session (MFA-5).
    HalfWay,
    /// What the next page is to say or to fill in, where no script carries it over.
    Flash,
}

impl Cookie {
    fn name(self, https: bool) -> &'static str {
        match (self, https) {
            (Self::Session, true) => "__Host-whereabouts",
            (Self::Session, false) => "whereabouts",
            (Self::Device, true) => "__Host-whereabouts-device",
            (Self::Device, false) => "whereabouts-device",
            (Self::HalfWay, true) => "__Host-whereabouts-half-way",
            (Self::HalfWay, false) => "whereabouts-half-way",
            (Self::Flash, true) => "__Host-whereabouts-flash",
            (Self::Flash, false) => "whereabouts-flash",
        }
    }

    /// What the client sent.
    pub fn read(self, headers: &HeaderMap, https: bool) -> Option<&str> {
        let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
        let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, _)| *name == self.name(https)).map(|(_, value)| value)
    }

    /// The `Set-Cookie` that sets it for so many seconds; zero takes it away.
    pub fn set(self, value: &str, seconds: u64, https: bool) -> HeaderValue {
        let secure = if https { "; Secure" } else { "" };
        let name = self.name(https);
        let line = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
        HeaderValue::try_from(line).expect("cookie values are base64url")
    }

    /// The `Set-Cookie` that takes it away.
    pub fn clear(self, https: bool) -> HeaderValue {
        self.set("", 0, https)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WEB-1
    #[test]
    fn over_https_a_cookie_is_bound_to_this_host() {
        assert_eq!(Cookie::Session.set("x", 9, true), "__Host-whereabouts=x; Path=/; Max-Age=9; HttpOnly; SameSite=Lax; Secure");
        assert_eq!(Cookie::Session.clear(false), "whereabouts=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_static("a=b; whereabouts-device=d; whereabouts=s; x"))]);
        assert_eq!(Cookie::Session.read(&headers, false), Some("s"));
        assert_eq!(Cookie::Session.read(&headers, true), None);
    }
}
