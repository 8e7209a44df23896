//! Host names of devices, and the domains of an organization under which they lie (AUT-8).

use std::{collections::BTreeSet, net::IpAddr};

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use crate::{error::AppError, foundation::config::PublicUrl};

/// Most host suffixes of an organization.
const MAX_SUFFIXES: usize = 50;
/// The only name of one label that may be a host suffix: it names this machine and belongs to nobody.
const LOCALHOST: &str = "localhost";

/// Returns the host name of a device in lower-case A-labels.
///
/// Errors: it is not a host name alone, is an IP address or the host of this site, or does not lie under one of the suffixes.
pub fn check_host(host: &str, suffixes: &[String], site: &PublicUrl) -> Result<String, AppError> {
    let host = normalize("host", host)?;
    if is_host_of_site(&host, site) {
        return Err(AppError::invalid("host", "This is the host of this site. Enter the host name of the device."));
    }
    if suffixes.is_empty() {
        return Err(AppError::invalid("host", "No domain is assigned to this organization yet. Ask a platform administrator."));
    }
    if !suffixes.iter().any(|suffix| lies_under(&host, suffix)) {
        return Err(AppError::invalid("host", format!("The host must lie under {}.", suffixes.join(" or "))));
    }
    Ok(host)
}

/// Returns the host suffixes of an organization in lower-case A-labels, sorted and without repetitions.
///
/// Errors: one is not a domain, or is the whole of a top-level domain; there are more than 50.
pub fn check_suffixes(suffixes: &[String]) -> Result<Vec<String>, AppError> {
    let checked = suffixes.iter().map(|suffix| check_suffix(suffix)).collect::<Result<BTreeSet<_>, _>>()?;
    if checked.len() > MAX_SUFFIXES {
        return Err(AppError::invalid("host_suffixes", format!("An organization has at most {MAX_SUFFIXES} host suffixes.")));
    }
    Ok(checked.into_iter().collect())
}

fn check_suffix(suffix: &str) -> Result<String, AppError> {
    let suffix = normalize("host_suffixes", suffix)?;
    if suffix.contains('.') || suffix == LOCALHOST {
        return Ok(suffix);
    }
    Err(AppError::invalid("host_suffixes", format!("{suffix} is a top-level domain. Enter a domain of the organization.")))
}

/// Returns whether a name equals a suffix or is a subdomain of it.
fn lies_under(name: &str, suffix: &str) -> bool {
    name.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Normalizes a name to lower-case A-labels (UTS 46), of at most 253 bytes, without a trailing dot.
fn normalize(field: &str, name: &str) -> Result<String, AppError> {
    let name = name.trim();
    if name.contains([':', '/', '?', '#', '@', '*', '[', ']', '\\']) {
        return Err(AppError::invalid(field, "Enter the host name alone: without scheme, port, path or wildcard."));
    }
    let invalid = || AppError::invalid(field, "Enter a host name, such as inverter.plant.example.");
    let checked = Uts46::new().to_ascii(name.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify);
    let name = checked.map_err(|_| invalid())?.into_owned();
    if is_address(&name) {
        return Err(AppError::invalid(field, "An IP address is not accepted. Enter a host name."));
    }
    Ok(name)
}

/// Returns whether browsers and resolvers read the name as an IPv4 address: the last label is a number, as in `127.1` or `0x7f000001`
/// (WHATWG URL, "ends in a number").
fn is_address(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name); // a name without dots is one label
    let is_hexadecimal = last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    is_hexadecimal || last.bytes().all(|byte| byte.is_ascii_digit()) || name.parse::<IpAddr>().is_ok()
}

/// Returns whether a host is the one of this site. All loopback names are equivalent, as for requests to this site.
fn is_host_of_site(host: &str, site: &PublicUrl) -> bool {
    let own = site.authority.rsplit_once(':').map_or(site.authority.as_str(), |(own, _)| own);
    host == own || (host == LOCALHOST && site.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(url: &str) -> PublicUrl {
        url.parse().unwrap()
    }

    fn check(host: &str) -> Result<String, AppError> {
        let suffixes = ["plants.example", "xn--mnchen-3ya.example", "localhost"].map(str::to_owned);
        check_host(host, &suffixes, &site("https://site.plants.example:8443"))
    }

    #[test]
    fn hosts_are_normalized() {
        let longest = format!("{}.{}.{}.{}.plants.example", "a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(46));
        assert_eq!(longest.len(), 253);
        for (entered, host) in [
            ("plants.example", "plants.example"),
            (" Inverter-1.Plants.EXAMPLE ", "inverter-1.plants.example"),
            ("a.b.plants.example", "a.b.plants.example"),
            ("1.plants.example", "1.plants.example"),
            ("ab--cd.plants.example", "ab--cd.plants.example"),
            ("München.example", "xn--mnchen-3ya.example"),
            ("solar.xn--mnchen-3ya.example", "solar.xn--mnchen-3ya.example"),
            ("ｉnverter。plants．example", "inverter.plants.example"),
            ("site.plants.example.plants.example", "site.plants.example.plants.example"),
            ("x.site.plants.example", "x.site.plants.example"),
            ("inverter.localhost", "inverter.localhost"),
            ("localhost", "localhost"),
            (&longest, &longest),
        ] {
            assert_eq!(check(entered).as_deref(), Ok(host), "{entered}");
        }
    }

    #[test]
    fn what_is_not_a_host_of_the_organization_is_refused() {
        let too_long = format!("{}.{}.{}.{}.plants.example", "a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(47));
        for bad in [
            "",
            " ",
            ".",
            "plants.example.",
            ".plants.example",
            "a..plants.example",
            "-a.plants.example",
            "a-.plants.example",
            "a_b.plants.example",
            "a b.plants.example",
            "a\0.plants.example",
            "a\n.plants.example",
            "xn--a.plants.example",
            "*.plants.example",
            "https://a.plants.example",
            "//a.plants.example",
            "a.plants.example:443",
            "a.plants.example/x",
            "a.plants.example?x",
            "a.plants.example#x",
            "user@a.plants.example",
            "a\\.plants.example",
            "a／b.plants.example",
            "℀.plants.example",
            "10.0.0.1",
            "127.1",
            "0x7f000001",
            "0x7f.1",
            "2130706433",
            "１２７.１",
            "plants.example.0x",
            "::1",
            "[::1]",
            "::ffff:10.0.0.1",
            "example",
            "evilplants.example",
            "plants.example.evil.example",
            "a.plants.example.evil",
            "site.plants.example",
            "SITE.plants.example",
            &format!("{}.plants.example", "a".repeat(64)),
            &too_long,
        ] {
            let refused = check(bad);
            assert!(matches!(&refused, Err(AppError::Invalid { field, .. }) if field == "host"), "{bad:?}: {refused:?}");
        }
        assert!(check_host("a.example", &[], &site("https://site.example")).is_err());
    }

    #[test]
    fn the_loopback_names_of_this_site_are_refused() {
        let suffixes = ["localhost".to_owned()];
        for own in ["http://127.0.0.1:3000", "http://localhost:3000", "http://localhost", "http://[::1]:3000"] {
            assert!(check_host("localhost", &suffixes, &site(own)).is_err(), "{own}");
            assert!(check_host("a.localhost", &suffixes, &site(own)).is_ok(), "{own}");
        }
        assert!(check_host("localhost", &suffixes, &site("https://site.example")).is_ok());
    }

    #[test]
    fn suffixes_are_domains_of_an_organization() {
        let check = |suffixes: &[&str]| check_suffixes(&suffixes.iter().map(|&suffix| suffix.to_owned()).collect::<Vec<_>>());
        let sorted = ["a.example", "b.localhost", "localhost"].map(str::to_owned).to_vec();
        assert_eq!(check(&["localhost", " A.example", "b.localhost", "a.EXAMPLE"]), Ok(sorted));
        assert_eq!(check(&[]), Ok(Vec::new()));
        for bad in [
            "",
            "com",
            "COM",
            "xn--p1ai",
            "*.a.example",
            ".a.example",
            "a.example.",
            "10.0.0.1",
            "127.1",
            "a.example:80",
            "https://a.example",
        ] {
            assert!(matches!(check(&[bad]), Err(AppError::Invalid { field, .. }) if field == "host_suffixes"), "{bad:?}");
        }
        let many: Vec<_> = (0..51).map(|n| format!("a{n}.example")).collect();
        assert!(check_suffixes(&many[..50]).is_ok() && check_suffixes(&many).is_err());
    }
}
