//! Where a form leads once it is taken.

use crate::sessions::model::HOME;

/// A path of this site that a sign-in may lead to (WEB-6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next(String);

impl Next {
    /// What `next=` says, if it is a path of this site; else home. A browser reads `//x` and `/\x` as another host, and
    /// drops tabs and line breaks before it reads.
    pub fn parse(text: &str) -> Self {
        let is_path = text.starts_with('/') && !text.starts_with("//");
        let is_plain = text.chars().all(|c| c.is_ascii_graphic() && c != '\\');
        let hides_a_host = text.to_ascii_lowercase().starts_with("/%2f") || text.to_ascii_lowercase().starts_with("/%5c");
        if is_path && is_plain && !hides_a_host && text.len() <= 512 { Self(text.to_owned()) } else { Self(HOME.to_owned()) }
    }

    /// The path.
    pub fn path(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WEB-6
    #[test]
    fn next_leads_to_this_site_alone() {
        for good in ["/", "/plants/7?tab=a#b", "/profile?next=https://x"] {
            assert_eq!(Next::parse(good).path(), good);
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
            assert_eq!(Next::parse(bad).path(), HOME, "{bad:?}");
        }
    }

    proptest::proptest! {
        /// WEB-6: whatever is sent, what comes out starts with one slash and another character than a slash.
        #[test]
        fn next_never_leaves(text in ".{0,40}") {
            let next = Next::parse(&text);
            let rest = next.path().strip_prefix('/').unwrap();
            proptest::prop_assert!(!rest.starts_with(['/', '\\']));
        }
    }
}
