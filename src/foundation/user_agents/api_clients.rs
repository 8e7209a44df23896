//! Scripts and tools, by our own table: uap-core does not know half of them.

use crate::foundation::device::{Device, DeviceKind, Form};

/// The product token that tells a client, in lower case, and its name. The first that stands in the string counts, so
/// the more special comes first (k6 calls itself "Grafana k6").
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

/// The systems that our own command line may name: as `std::env::consts::OS` has them, and as people know them. Nothing else
/// that stands in their place in a user agent is shown.
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

/// The user agent of our own command line on this system (`std::env::consts::OS`): "whereabouts-cli/0.1.0 (Linux)". A system
/// outside the table is not named.
pub fn cli_user_agent(os: &str) -> String {
    let system = CLI_SYSTEMS.iter().find(|(key, _)| *key == os).map(|(_, name)| format!(" ({name})")).unwrap_or_default();
    format!("whereabouts-cli/{}{system}", env!("CARGO_PKG_VERSION"))
}

/// The API client of this user agent, if it is one.
pub fn recognize(user_agent: &str) -> Option<Device> {
    let lower = user_agent.to_ascii_lowercase();
    if lower == "node" {
        return Some(named("node"));
    }
    let starts_word = |at: usize| at == 0 || !lower.as_bytes()[at - 1].is_ascii_alphanumeric();
    let names = |token: &str| lower.match_indices(token).any(|(at, _)| starts_word(at));
    let (_, name) = CLIENTS.iter().find(|(token, _)| names(token))?;
    Some(match *name {
        "Whereabouts CLI" => on_system(name, user_agent),
        name => named(name),
    })
}

/// An API client by its name.
pub fn named(name: &str) -> Device {
    Device { label: name.to_owned(), browser: None, os: None, kind: DeviceKind::ApiClient, form: Form::Api }
}

/// Our own command line says its system: `whereabouts-cli/0.1.0 (Linux)`. Any client may say that it is ours, so that only
/// the names of [`CLI_SYSTEMS`] get into a label.
fn on_system(name: &str, user_agent: &str) -> Device {
    let said = user_agent.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map(|(said, _)| said);
    let os = CLI_SYSTEMS.iter().map(|(_, system)| *system).find(|system| said == Some(*system));
    let label = os.map_or_else(|| name.to_owned(), |os| format!("{name} on {os}"));
    Device { label, os: os.map(str::to_owned), ..named(name) }
}
