//! Browsers: uap-core's names in people's words, corrected by client hints.

use crate::{
    foundation::agent::Agent,
    foundation::device::{Device, DeviceKind, Form},
};

/// Brands of `Sec-CH-UA` that say more than the user agent does, the more special first, and their names.
const BRANDS: &[(&str, &str)] = &[
    ("Brave", "Brave"),
    ("Microsoft Edge", "Edge"),
    ("Opera", "Opera"),
    ("Vivaldi", "Vivaldi"),
    ("YaBrowser", "Yandex Browser"),
    ("DuckDuckGo", "DuckDuckGo"),
    ("Samsung Internet", "Samsung Internet"),
    ("Google Chrome", "Chrome"),
    ("Chromium", "Chromium"),
];

/// Describes a browser that uap-core called `product`, on the system it called `os` with this major version.
pub fn describe(agent: &Agent, product: &str, os: Option<&str>, os_major: Option<&str>) -> Device {
    let hinted = agent.user_agent.contains("Chrome/"); // Only Chromium sends hints: any other has them from elsewhere.
    let browser = brand(agent).filter(|_| hinted).unwrap_or_else(|| browser_name(product));
    let os = system(agent, hinted, os, os_major);
    let place = apple_device(&agent.user_agent).or(os.as_deref());
    let label = place.map_or_else(|| browser.to_owned(), |place| format!("{browser} on {place}"));
    Device { label, browser: Some(browser.to_owned()), form: form(agent, hinted), os, kind: DeviceKind::Browser }
}

fn brand(agent: &Agent) -> Option<&'static str> {
    let is_sent = |brand: &str| agent.brands.contains(&format!("\"{brand}\""));
    let (_, name) = BRANDS.iter().find(|(brand, _)| is_sent(brand))?;
    // Everything built on Chromium says "Chromium" beside a brand of its own, so alone it tells less than the user agent.
    (*name != "Chromium").then_some(*name)
}

fn browser_name(product: &str) -> &str {
    match product {
        "Chrome Mobile" | "Chrome Mobile iOS" | "Chrome Mobile WebView" => "Chrome",
        "HeadlessChrome" => "Headless Chrome",
        "Mobile Safari" | "Mobile Safari UI/WKWebView" => "Safari",
        "Firefox Mobile" | "Firefox iOS" => "Firefox",
        "Edge Mobile" => "Edge",
        "Opera Mobile" | "Opera Mini" | "Opera Touch" => "Opera",
        "IE" | "IE Mobile" => "Internet Explorer",
        other => other,
    }
}

/// The system, no more exactly than is known: "Windows NT 10.0" and "Mac OS X 10_15_7" are frozen strings that every
/// newer system sends too.
fn system(agent: &Agent, hinted: bool, os: Option<&str>, major: Option<&str>) -> Option<String> {
    if hinted
        && agent.platform == "Windows"
        && let Some(version) = windows_version(&agent.platform_version)
    {
        return Some(version.to_owned());
    }
    let name = match os? {
        "Other" => return None,
        "Mac OS X" => "macOS",
        "Chrome OS" => "ChromeOS",
        "iOS" if agent.user_agent.contains("iPad") => "iPadOS",
        "Windows" => match major {
            Some(old @ ("XP" | "Vista" | "7" | "8")) => return Some(format!("Windows {old}")),
            _ => "Windows",
        },
        other => other,
    };
    Some(name.to_owned())
}

/// By the platform version's first number: 13 and above is Windows 11, 1 to 10 is Windows 10 (Microsoft, "Detect Windows
/// 11 using User-Agent Client Hints").
fn windows_version(platform_version: &str) -> Option<&'static str> {
    let major: u32 = platform_version.split('.').next()?.parse().ok()?;
    match major {
        13.. => Some("Windows 11"),
        1..=10 => Some("Windows 10"),
        _ => None,
    }
}

/// People call these by the device, not the system.
fn apple_device(user_agent: &str) -> Option<&'static str> {
    ["iPhone", "iPad", "iPod"].into_iter().find(|device| user_agent.contains(device))
}

fn form(agent: &Agent, hinted: bool) -> Form {
    let says = |word| agent.user_agent.contains(word);
    if says("iPad") || says("Tablet") || (says("Android") && !says("Mobile")) {
        Form::Tablet
    } else if says("iPhone") || says("iPod") || says("Mobile") || (hinted && agent.mobile) {
        Form::Phone
    } else if says("Macintosh") || says("CrOS") {
        Form::Laptop
    } else {
        Form::Desktop
    }
}
