//! Redirect targets after a form submission.

use crate::sessions::model::HOME;

/// Longest accepted path: an encoded reason of 500 characters takes up to 6,000 bytes, in whatever script. Browsers send such addresses whole.
const MAX_BYTES: usize = 8_192;

/// A path on this site that a form may redirect to (WEB-6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectPath(String);

impl RedirectPath {
    /// Parses the `next` parameter. Returns [`HOME`] unless it is a path on this site of at most 8,192 bytes: one may lead back to a form
    /// with what was typed. Browsers treat `//x` and `/\x` as another host, and drop tabs and line breaks before they parse.
    pub fn parse(text: &str) -> Self {
        let is_path = text.starts_with('/') && !text.starts_with("//");
        let is_plain = text.chars().all(|c| c.is_ascii_graphic() && c != '\\');
        let hides_a_host = text.to_ascii_lowercase().starts_with("/%2f") || text.to_ascii_lowercase().starts_with("/%5c");
        if is_path && is_plain && !hides_a_host && text.len() <= MAX_BYTES { Self(text.to_owned()) } else { Self(HOME.to_owned()) }
    }

    /// Returns the path.
    pub fn path(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WEB-6
    #[test]
    fn only_paths_on_this_site_are_accepted() {
        for good in ["/", "/plants/7?tab=a#b", "/profile?next=https://x"] {
            assert_eq!(RedirectPath::parse(good).path(), good);
        }
        let bad = [
            "",
            "x",
            "//x",
            "/\\x",
            "\\\\x",
            "https:x",
            "https://x",
            "javascript:alert(1)",
            "/\t/x",
            "/\n/x",
            " /x",
            "/%2fx",
            "/%5Cx",
            "/%2F%2Fx",
            "/a b",
            "/é",
            "\u{0}",
        ];
        for bad in bad {
            assert_eq!(RedirectPath::parse(bad).path(), HOME, "{bad:?}");
        }
    }

    proptest::proptest! {
        /// WEB-6: for any input, the result starts with exactly one slash.
        #[test]
        fn a_redirect_never_leaves_this_site(text in ".{0,40}") {
            let next = RedirectPath::parse(&text);
            let rest = next.path().strip_prefix('/').unwrap();
            proptest::prop_assert!(!rest.starts_with(['/', '\\']));
        }
    }
}
