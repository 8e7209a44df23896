use std::sync::LazyLock;

use super::*;
use crate::foundation::assets::Assets;

static USER_AGENTS: LazyLock<UserAgents> = LazyLock::new(|| UserAgents::load(&Assets::find().user_agents()).unwrap());

fn describe(user_agent: &str) -> Device {
    USER_AGENTS.describe(&UserAgentHeaders { user_agent: user_agent.to_owned(), ..UserAgentHeaders::default() })
}

fn label(user_agent: &str) -> String {
    describe(user_agent).label
}

const CHROME_ON_WINDOWS: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36";

#[test]
fn browsers_are_named_with_their_system() {
    let cases = [
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36",
            "Chrome on macOS",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            "Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
            "Safari on iPad",
        ),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        (
            "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36",
            "Chrome on ChromeOS",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36 Edg/150.0.0.0",
            "Edge on Windows",
        ),
        ("Mozilla/5.0 (Windows NT 6.1; rv:115.0) Gecko/20100101 Firefox/115.0", "Firefox on Windows 7"),
    ];
    for (user_agent, expected) in cases {
        assert_eq!(label(user_agent), expected, "{user_agent}");
    }
}

/// Both strings are frozen: newer systems send them too.
#[test]
fn frozen_versions_are_not_displayed() {
    for user_agent in [
        CHROME_ON_WINDOWS,
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
    ] {
        assert!(!label(user_agent).contains("10"), "{}", label(user_agent));
    }
}

#[test]
fn client_hints_take_precedence() {
    let hinted = |brands: &str, version: &str| {
        let agent = UserAgentHeaders {
            user_agent: CHROME_ON_WINDOWS.to_owned(),
            brands: brands.to_owned(),
            platform: "Windows".to_owned(),
            platform_version: version.to_owned(),
            is_mobile: false,
        };
        USER_AGENTS.describe(&agent).label
    };
    assert_eq!(hinted(r#""Google Chrome";v="150", "Chromium";v="150""#, "15.0.0"), "Chrome on Windows 11");
    assert_eq!(hinted(r#""Brave";v="150", "Chromium";v="150""#, "10.0.0"), "Brave on Windows 10");
    assert_eq!(hinted(r#""Microsoft Edge";v="150", "Chromium";v="150""#, ""), "Edge on Windows");
}

#[test]
fn hints_from_other_engines_are_ignored() {
    let agent = UserAgentHeaders {
        user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".to_owned(),
        brands: r#""Brave";v="150""#.to_owned(),
        platform: "Windows".to_owned(),
        platform_version: "15".to_owned(),
        is_mobile: true,
    };
    assert_eq!(USER_AGENTS.describe(&agent).label, "Firefox on Linux");
}

#[test]
fn api_clients_are_recognized() {
    let cases = [
        ("curl/8.5.0", "curl"),
        ("Wget/1.21.3", "Wget"),
        ("HTTPie/3.2.1", "HTTPie"),
        ("python-requests/2.32.3", "python-requests"),
        ("python-httpx/0.27.0", "httpx"),
        ("Python/3.11 aiohttp/3.9.5", "aiohttp"),
        ("Python-urllib/3.11", "Python urllib"),
        ("Go-http-client/1.1", "Go-http-client"),
        ("okhttp/4.12.0", "okhttp"),
        ("axios/1.7.2", "axios"),
        ("node", "node"),
        ("Java/17.0.15", "Java"),
        ("Java-http-client/17.0.15", "Java"),
        ("Mozilla/5.0 (Windows NT; Windows NT 10.0; de-DE) WindowsPowerShell/5.1.19041.1", "PowerShell"),
        ("Mozilla/5.0 (Linux; Debian GNU/Linux 12) PowerShell/7.4.2", "PowerShell"),
        ("PostmanRuntime/7.39.0", "Postman"),
        ("insomnia/9.2.0", "Insomnia"),
        ("Grafana/11.0.0", "Grafana"),
        ("Grafana k6/1.0.0", "k6"),
        ("k6/0.50.0 (https://k6.io/)", "k6"),
        ("Prometheus/2.52.0", "Prometheus"),
        ("whereabouts-cli/0.1.0 (Linux)", "Whereabouts CLI on Linux"),
    ];
    for (user_agent, expected) in cases {
        let device = describe(user_agent);
        assert_eq!((device.label.as_str(), device.kind), (expected, DeviceKind::ApiClient), "{user_agent}");
    }
}

/// WEB-7: our own command line reports its operating system from a list; other text is not displayed, whoever claims to be our client.
#[test]
fn the_command_line_is_shown_with_a_known_system_or_none() {
    for (os, label) in
        [("linux", "Whereabouts CLI on Linux"), ("macos", "Whereabouts CLI on macOS"), ("freebsd", "Whereabouts CLI on FreeBSD")]
    {
        assert_eq!(self::label(&cli_user_agent(os)), label);
    }
    assert_eq!(cli_user_agent("my; own (system)"), format!("whereabouts-cli/{}", env!("CARGO_PKG_VERSION")));
    let claims = [
        "whereabouts-cli/1",
        "whereabouts-cli/1 ()",
        "whereabouts-cli/1 (evil text)",
        "whereabouts-cli/1 (linux)",
        "whereabouts-cli/1 (Linux, signed in by your administrator)",
        "whereabouts-cli/1 (evil text) (Linux)",
        "whereabouts-cli/1 (Linux",
    ];
    for claim in claims {
        let device = describe(claim);
        assert_eq!((device.label.as_str(), device.os), ("Whereabouts CLI", None), "{claim}");
    }
    assert!(!label("WhereaboutsCLI/1 (evil text)").contains("evil"));
}

#[test]
fn unidentified_clients_are_unknown() {
    for user_agent in ["", "-", "something of mine", "Mozilla/5.0", "\u{FFFD}\u{FFFD}", "<script>alert(1)</script>"] {
        let device = describe(user_agent);
        assert_eq!((device.label.as_str(), device.kind), ("Unknown client", DeviceKind::Unknown), "{user_agent:?}");
    }
}

#[test]
fn devices_are_assigned_their_form() {
    assert_eq!(describe(CHROME_ON_WINDOWS).form, Form::Desktop);
    assert_eq!(
        describe("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36").form,
        Form::Tablet
    );
    assert_eq!(
        describe("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Mobile Safari/537.36").form,
        Form::Phone
    );
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn any_string_gets_a_label(user_agent in ".{0,200}") {
        proptest::prop_assert!(!label(&user_agent).is_empty());
    }
}
