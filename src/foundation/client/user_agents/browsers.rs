//! Describes browsers: maps uap-core's names to common ones and corrects them by client hints.

use crate::foundation::client::{
    device::{Device, DeviceKind, Form},
    headers::UserAgentHeaders,
};

/// Brands in `Sec-CH-UA` that are more precise than the user agent, and their names. More specific brands come first.
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

/// Describes a browser that uap-core recognized as `product`, on the operating system `os` with this major version.
pub fn describe(agent: &UserAgentHeaders, product: &str, os: Option<&str>, os_major: Option<&str>) -> Device {
    let has_hints = agent.user_agent.contains("Chrome/"); // Only Chromium sends client hints: from other clients they are not genuine.
    let browser = brand(agent).filter(|_| has_hints).unwrap_or_else(|| browser_name(product));
    let os = system(agent, has_hints, os, os_major);
    let place = apple_device(&agent.user_agent).or(os.as_deref());
    let label = place.map_or_else(|| browser.to_owned(), |place| format!("{browser} on {place}"));
    Device { label, browser: Some(browser.to_owned()), form: form(agent, has_hints), os, kind: DeviceKind::Browser }
}

fn brand(agent: &UserAgentHeaders) -> Option<&'static str> {
    let is_sent = |brand: &str| agent.brands.contains(&format!("\"{brand}\""));
    let (_, name) = BRANDS.iter().find(|(brand, _)| is_sent(brand))?;
    // Browsers based on Chromium send "Chromium" beside a brand of their own, so alone it is less precise than the user agent.
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

/// Returns the operating system, only as precisely as it is known: "Windows NT 10.0" and "Mac OS X 10_15_7" are frozen strings that newer
/// systems send too. `None` if it is not known.
fn system(agent: &UserAgentHeaders, has_hints: bool, os: Option<&str>, major: Option<&str>) -> Option<String> {
    if has_hints
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

/// Returns the Windows version by the major platform version: 13 and above is Windows 11, 1 to 10 is Windows 10 (Microsoft, "Detect
/// Windows 11 using User-Agent Client Hints"). `None` for other versions.
fn windows_version(platform_version: &str) -> Option<&'static str> {
    let major: u32 = platform_version.split('.').next()?.parse().ok()?;
    match major {
        13.. => Some("Windows 11"),
        1..=10 => Some("Windows 10"),
        _ => None,
    }
}

/// Returns the Apple device. Labels name it instead of the operating system.
fn apple_device(user_agent: &str) -> Option<&'static str> {
    ["iPhone", "iPad", "iPod"].into_iter().find(|device| user_agent.contains(device))
}

fn form(agent: &UserAgentHeaders, has_hints: bool) -> Form {
    let contains = |word| agent.user_agent.contains(word);
    if contains("iPad") || contains("Tablet") || (contains("Android") && !contains("Mobile")) {
        Form::Tablet
    } else if contains("iPhone") || contains("iPod") || contains("Mobile") || (has_hints && agent.is_mobile) {
        Form::Phone
    } else if contains("Macintosh") || contains("CrOS") {
        Form::Laptop
    } else {
        Form::Desktop
    }
}
