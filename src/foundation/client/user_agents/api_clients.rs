//! Recognizes scripts and tools by a table of our own: uap-core does not know half of them.

use crate::foundation::client::device::{Device, DeviceKind, Form};

/// The lower-case product token that identifies a client, and the client's name. The first token found in the user agent is used, so
/// more specific ones come first (k6 calls itself "Grafana k6").
const CLIENTS: &[(&str, &str)] = &[
    ("whereabouts-cli/", "Whereabouts CLI"),
    ("curl/", "curl"),
    ("wget/", "Wget"),
    ("wget2/", "Wget"),
    ("httpie/", "HTTPie"),
    ("xh/", "xh"),
    ("python-requests/", "python-requests"),
    ("python-httpx/", "httpx"),
    ("aiohttp/", "aiohttp"),
    ("python-urllib3/", "urllib3"),
    ("python-urllib/", "Python urllib"),
    ("go-http-client/", "Go-http-client"),
    ("okhttp/", "okhttp"),
    ("axios/", "axios"),
    ("node-fetch/", "node-fetch"),
    ("undici", "node"),
    ("node.js", "node"),
    ("java-http-client/", "Java"),
    ("apache-httpclient/", "Apache HttpClient"),
    ("java/", "Java"),
    ("powershell/", "PowerShell"),
    ("windowspowershell/", "PowerShell"),
    ("postmanruntime/", "Postman"),
    ("insomnia/", "Insomnia"),
    ("bruno", "Bruno"),
    ("k6/", "k6"),
    ("grafana", "Grafana"),
    ("prometheus/", "Prometheus"),
    ("telegraf/", "Telegraf"),
    ("node-red", "Node-RED"),
    ("homeassistant/", "Home Assistant"),
    ("home assistant/", "Home Assistant"),
    ("reqwest/", "reqwest"),
    ("ureq/", "ureq"),
    ("hyper/", "hyper"),
    ("guzzlehttp/", "Guzzle"),
    ("libwww-perl/", "libwww-perl"),
    ("faraday ", "Faraday"),
    ("ruby", "Ruby"),
    ("dart/", "Dart"),
    ("apachebench/", "ApacheBench"),
    ("wrk/", "wrk"),
];

/// The operating systems that our own command line may report: the value of `std::env::consts::OS`, and the common name. No other
/// text in their place in a user agent is displayed.
const CLI_SYSTEMS: &[(&str, &str)] = &[
    ("linux", "Linux"),
    ("macos", "macOS"),
    ("windows", "Windows"),
    ("freebsd", "FreeBSD"),
    ("netbsd", "NetBSD"),
    ("openbsd", "OpenBSD"),
    ("dragonfly", "DragonFly BSD"),
    ("illumos", "illumos"),
    ("solaris", "Solaris"),
    ("android", "Android"),
];

/// Returns the user agent of our own command line on an operating system (`std::env::consts::OS`): "whereabouts-cli/0.1.0 (Linux)".
/// A system that is not in the table is omitted.
pub fn cli_user_agent(os: &str) -> String {
    let system = CLI_SYSTEMS.iter().find(|(key, _)| *key == os).map(|(_, name)| format!(" ({name})")).unwrap_or_default();
    format!("whereabouts-cli/{}{system}", env!("CARGO_PKG_VERSION"))
}

/// Returns the API client with this user agent. `None` if it is not a known API client.
pub fn recognize(user_agent: &str) -> Option<Device> {
    let lower = user_agent.to_ascii_lowercase();
    if lower == "node" {
        return Some(describe_api_client("node"));
    }
    let is_word_start = |at: usize| at == 0 || !lower.as_bytes()[at - 1].is_ascii_alphanumeric();
    let has_token = |token: &str| lower.match_indices(token).any(|(at, _)| is_word_start(at));
    let (_, name) = CLIENTS.iter().find(|(token, _)| has_token(token))?;
    Some(match *name {
        "Whereabouts CLI" => describe_cli(name, user_agent),
        name => describe_api_client(name),
    })
}

/// Creates the description of an API client with this name.
pub fn describe_api_client(name: &str) -> Device {
    Device { label: name.to_owned(), browser: None, os: None, kind: DeviceKind::ApiClient, form: Form::Api }
}

/// Describes our own command line with the operating system that it reports: `whereabouts-cli/0.1.0 (Linux)`. Any client can claim to be
/// ours, so only the names in [`CLI_SYSTEMS`] are put into a label.
fn describe_cli(name: &str, user_agent: &str) -> Device {
    let reported = user_agent.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map(|(system, _)| system);
    let os = CLI_SYSTEMS.iter().map(|(_, system)| *system).find(|system| reported == Some(*system));
    let label = os.map_or_else(|| name.to_owned(), |os| format!("{name} on {os}"));
    Device { label, os: os.map(str::to_owned), ..describe_api_client(name) }
}
