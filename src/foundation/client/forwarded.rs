//! Parses the headers in which a proxy names its client: `X-Forwarded-For` and `Forwarded` (RFC 7239).
//!
//! A proxy appends to what its client sent. Both headers are therefore parsed from the right, as bytes: nothing to the left of the
//! entries that proxies appended, such as an unterminated quote, affects how those entries are parsed.

use std::net::{IpAddr, Ipv6Addr};

use axum::http::{HeaderMap, HeaderName, header};

use crate::foundation::config::ForwardedHeader;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Iterates over the entries of a forwarding header, across all its lines, right-most first.
pub struct Entries<'a> {
    lines: Vec<&'a [u8]>,
    has_quotes: bool,
}

impl<'a> Entries<'a> {
    /// Returns the entries of the configured header, right-most first.
    pub fn right_to_left(headers: &'a HeaderMap, header: ForwardedHeader) -> Self {
        let (name, has_quotes) = match header {
            ForwardedHeader::XForwardedFor => (X_FORWARDED_FOR, false),
            ForwardedHeader::Forwarded => (header::FORWARDED, true),
        };
        Self { lines: headers.get_all(name).iter().map(|line| line.as_bytes()).collect(), has_quotes }
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let line = self.lines.pop()?;
        let comma = if self.has_quotes { last_unquoted(line, b',') } else { line.iter().rposition(|byte| *byte == b',') };
        let Some(comma) = comma else { return Some(line) };
        self.lines.push(&line[..comma]);
        Some(&line[comma + 1..])
    }
}

/// Returns the position of the last `byte` outside quoted strings. Scans from the right: the first quote found is a closing one, and its
/// opening quote is the next one that is not escaped by an odd number of backslashes.
fn last_unquoted(text: &[u8], byte: u8) -> Option<usize> {
    let mut is_quoted = false;
    (0..text.len()).rev().find(|&at| {
        if text[at] == b'"' {
            is_quoted = !is_quoted || is_escaped(text, at);
        }
        !is_quoted && text[at] == byte
    })
}

fn is_escaped(text: &[u8], at: usize) -> bool {
    text[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// Returns the address in an entry of `X-Forwarded-For`, which may have a port. `None` if the entry is not an address.
pub fn address_in_x_forwarded_for(entry: &[u8]) -> Option<IpAddr> {
    address(std::str::from_utf8(entry.trim_ascii()).ok()?)
}

/// Returns the address in the `for` of an entry of `Forwarded`: `for=192.0.2.1;proto=https`, `for="[2001:db8::1]:443"`. `None` if it has
/// none (`unknown`, `_hidden`), or more than one.
pub fn address_in_forwarded(mut entry: &[u8]) -> Option<IpAddr> {
    let mut found = None;
    loop {
        let semicolon = last_unquoted(entry, b';');
        if let Some(value) = parameter(semicolon.map_or(entry, |at| &entry[at + 1..]), "for")
            && found.replace(value).is_some()
        {
            return None;
        }
        let Some(at) = semicolon else { break };
        entry = &entry[..at];
    }
    address(&unquoted(std::str::from_utf8(found?).ok()?)?)
}

/// Returns the value of a `name=value` pair. `None` if the pair has another name. Names are case-insensitive.
fn parameter<'a>(pair: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let pair = pair.trim_ascii();
    let (left, right) = pair.split_at(pair.iter().position(|byte| *byte == b'=')?);
    left.eq_ignore_ascii_case(name.as_bytes()).then_some(&right[1..])
}

/// Returns a token as it is, or the content of a quoted string. `None` if the quote is not closed.
fn unquoted(value: &str) -> Option<String> {
    let Some(quoted) = value.strip_prefix('"') else { return Some(value.to_owned()) };
    let mut rest = quoted.strip_suffix('"')?.chars();
    let mut text = String::new();
    while let Some(next) = rest.next() {
        text.push(if next == '\\' { rest.next()? } else { next });
    }
    Some(text)
}

/// Parses an IPv4 or IPv6 address with or without a port. An IPv6 address with a port is in brackets.
fn address(text: &str) -> Option<IpAddr> {
    if let Some((ip, port)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        let has_port = port.strip_prefix(':').map_or(port.is_empty(), is_port);
        return has_port.then(|| ip.parse::<Ipv6Addr>().ok())?.map(IpAddr::V6);
    }
    text.parse().ok().or_else(|| {
        let (ip, port) = text.split_once(':')?;
        is_port(port).then(|| ip.parse().ok().map(IpAddr::V4))?
    })
}

/// Returns whether the text is a port number or an obfuscated port (RFC 7239, section 6.2).
fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok() || text.strip_prefix('_').is_some_and(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use clap::Parser as _;
    use proptest::prelude::*;

    use super::*;
    use crate::foundation::{client::info::client_address, config::Config};

    /// Returns a configuration that reads this header and trusts the proxies 10.0.0.0/8 and fd00::/8.
    fn config(header: &str) -> Config {
        #[derive(clap::Parser)]
        struct Options {
            #[command(flatten)]
            config: Config,
        }
        let options = ["test", "--trusted-proxies", "10.0.0.0/8,fd00::/8", "--forwarded-header", header];
        Options::try_parse_from(options).unwrap().config
    }

    fn client(configured: &str, peer: &str, lines: &[(&str, &[u8])]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value).unwrap());
        }
        client_address(peer.parse().unwrap(), &headers, &config(configured)).to_string()
    }

    fn x_forwarded_for(value: &str) -> String {
        client("x-forwarded-for", "10.0.0.1", &[("x-forwarded-for", value.as_bytes())])
    }

    fn forwarded(value: &str) -> String {
        client("forwarded", "10.0.0.1", &[("forwarded", value.as_bytes())])
    }

    /// NET-1
    #[test]
    fn forwarding_headers_from_untrusted_peers_are_ignored() {
        for header in ["x-forwarded-for", "forwarded", "x-real-ip", "cf-connecting-ip", "true-client-ip"] {
            for value in ["81.2.69.142", "for=81.2.69.142"] {
                for configured in ["x-forwarded-for", "forwarded"] {
                    assert_eq!(client(configured, "192.0.2.1", &[(header, value.as_bytes())]), "192.0.2.1", "{header}");
                }
            }
        }
        assert_eq!(client("x-forwarded-for", "10.0.0.1", &[("x-real-ip", b"81.2.69.142")]), "10.0.0.1");
    }

    /// NET-1
    #[test]
    fn the_header_that_is_not_configured_is_ignored() {
        let both: [(&str, &[u8]); 2] = [("x-forwarded-for", b"81.2.69.142"), ("forwarded", b"for=1.1.1.1")];
        assert_eq!(client("x-forwarded-for", "10.0.0.1", &both), "81.2.69.142");
        assert_eq!(client("forwarded", "10.0.0.1", &both), "1.1.1.1");
        assert_eq!(client("x-forwarded-for", "10.0.0.1", &both[1..]), "10.0.0.1");
    }

    /// NET-1
    #[test]
    fn entries_from_trusted_proxies_are_read_from_the_right() {
        assert_eq!(x_forwarded_for("81.2.69.142"), "81.2.69.142");
        assert_eq!(x_forwarded_for("1.1.1.1, 81.2.69.142"), "81.2.69.142");
        assert_eq!(x_forwarded_for("1.1.1.1,81.2.69.142 , 10.0.0.2"), "81.2.69.142");
        assert_eq!(x_forwarded_for("81.2.69.142:55555"), "81.2.69.142");
        assert_eq!(x_forwarded_for("2001:db8::1"), "2001:db8::1");
        assert_eq!(x_forwarded_for("[2001:db8::1]"), "2001:db8::1");
        assert_eq!(x_forwarded_for("[2001:db8::1]:443"), "2001:db8::1");
        assert_eq!(x_forwarded_for("::ffff:81.2.69.142"), "81.2.69.142");
        let lines: [(&str, &[u8]); 2] = [("x-forwarded-for", b"1.1.1.1"), ("x-forwarded-for", b"81.2.69.142, 10.0.0.2")];
        assert_eq!(client("x-forwarded-for", "10.0.0.1", &lines), "81.2.69.142");
    }

    /// NET-1: non-ASCII bytes from a client do not affect the entries to their right.
    #[test]
    fn an_invalid_entry_ends_the_search() {
        assert_eq!(x_forwarded_for("\u{e9}, 81.2.69.142, 10.0.0.2"), "81.2.69.142");
        assert_eq!(x_forwarded_for("81.2.69.142, \u{e9}, 10.0.0.2"), "10.0.0.2");
        for unreadable in ["", "junk", "81.2.69.142, junk", "81.2.69.142,", "[2001:db8::1", "81.2.69.142:x", "1.2.3.4:5:6", "[1.2.3.4]"] {
            assert_eq!(x_forwarded_for(unreadable), "10.0.0.1", "{unreadable}");
        }
        let lines: [(&str, &[u8]); 1] = [("x-forwarded-for", b"\xff\xfe, 81.2.69.142")];
        assert_eq!(client("x-forwarded-for", "10.0.0.1", &lines), "81.2.69.142");
    }

    /// NET-1: RFC 7239, including its examples.
    #[test]
    fn forwarded_is_parsed_according_to_rfc_7239() {
        assert_eq!(forwarded("for=1.1.1.1, for=\"[2001:db8::1]:443\";proto=https"), "2001:db8::1");
        assert_eq!(forwarded("For=\"[2001:db8:cafe::17]:4711\""), "2001:db8:cafe::17");
        assert_eq!(forwarded("by=203.0.113.43;host=\"a,b;for=1.1.1.1\\\"\";FOR=192.0.2.60;proto=http"), "192.0.2.60");
        assert_eq!(forwarded("for=192.0.2.43;ext=\"\\\\\", for=198.51.100.17;ext=\"a\\\\\\\",for=1.1.1.1\""), "198.51.100.17");
        assert_eq!(forwarded("for=\"192.0.2.43:_port\""), "192.0.2.43");
        assert_eq!(forwarded("for=\"\\192.0.2.43\""), "192.0.2.43");
        for unreadable in [
            "for=unknown",
            "for=_hidden",
            "for=\"_SEVKISEK\"",
            "proto=https",
            "192.0.2.1",
            "for=",
            "for=\"192.0.2.1",
            "for=192.0.2.1;for=192.0.2.2",
        ] {
            assert_eq!(forwarded(&format!("for=1.1.1.1, {unreadable}")), "10.0.0.1", "{unreadable}");
        }
    }

    proptest! {
        /// NET-1: whatever an untrusted peer sends, its own address is used.
        #[test]
        fn no_header_of_an_untrusted_peer_changes_the_address(value in "[ -~\u{80}-\u{ff}]{0,80}") {
            for header in ["x-forwarded-for", "forwarded"] {
                prop_assert_eq!(client(header, "192.0.2.1", &[(header, value.as_bytes())]), "192.0.2.1");
            }
        }

        /// NET-1: whatever a client sends, the address that the trusted proxy appends is used, on the same header line or another one.
        #[test]
        fn entries_left_of_appended_ones_are_ignored(sent in "([ -~\u{80}-\u{ff}]|[\\\\\",;= ]){0,60}", is_one_line: bool) {
            let appended = [
                ("x-forwarded-for", "81.2.69.142, 10.0.0.2", "81.2.69.142"),
                ("forwarded", "for=81.2.69.142;host=\"a\\\\,\\\";b\" , For=\"10.0.0.2:80\"", "81.2.69.142"),
                ("forwarded", "proto=https;for=\"[2001:db8::1]:443\"", "2001:db8::1"),
            ];
            for (header, appended, expected) in appended {
                let one = format!("{sent},{appended}");
                let lines: &[(&str, &[u8])] =
                    if is_one_line { &[(header, one.as_bytes())] } else { &[(header, sent.as_bytes()), (header, appended.as_bytes())] };
                prop_assert_eq!(client(header, "10.0.0.1", lines), expected);
            }
        }
    }
}
