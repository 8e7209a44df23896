//! Cookies: with the `__Host-` prefix and `Secure` over https, always `HttpOnly` and `SameSite=Lax` (WEB-1).

use axum::http::{HeaderMap, HeaderValue, header};

/// The cookies of this site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookie {
    /// The session token.
    Session,
    /// Recognizes a browser after its sessions have ended.
    Device,
    /// A sign-in that waits for its second factor. Not a session (MFA-5).
    PendingSignIn,
    /// A message or field values for the next page, when no script carries them over.
    Flash,
}

impl Cookie {
    fn name(self, https: bool) -> &'static str {
        match (self, https) {
            (Self::Session, true) => "__Host-whereabouts",
            (Self::Session, false) => "whereabouts",
            (Self::Device, true) => "__Host-whereabouts-device",
            (Self::Device, false) => "whereabouts-device",
            (Self::PendingSignIn, true) => "__Host-whereabouts-pending-sign-in",
            (Self::PendingSignIn, false) => "whereabouts-pending-sign-in",
            (Self::Flash, true) => "__Host-whereabouts-flash",
            (Self::Flash, false) => "whereabouts-flash",
        }
    }

    /// Returns the value that the client sent. `None` if it did not send the cookie.
    pub fn read(self, headers: &HeaderMap, https: bool) -> Option<&str> {
        let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
        let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, _)| *name == self.name(https)).map(|(_, value)| value)
    }

    /// Returns the `Set-Cookie` header that sets this cookie for `seconds`. Zero removes it.
    pub fn set(self, value: &str, seconds: u64, https: bool) -> HeaderValue {
        let secure = if https { "; Secure" } else { "" };
        let name = self.name(https);
        let line = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
        HeaderValue::try_from(line).expect("cookie values are base64url")
    }

    /// Returns the `Set-Cookie` header that removes this cookie.
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
