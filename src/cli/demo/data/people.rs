//! People and their sessions.

const MINUTE: i64 = 1;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Username, name, time zone, and usual IP address. All have accounts; Alice is the administrator of the site.
pub const PEOPLE: [(&str, &str, &str, &str); 25] = [
    ("alice", "Alice Lindqvist", "Europe/Berlin", "91.64.12.8"),
    ("bob", "Bob Martens", "Europe/Berlin", "85.214.132.117"),
    ("erik", "Erik Sandberg", "Europe/Berlin", "87.123.45.67"),
    ("hannah", "Hannah Weber", "Europe/Berlin", "91.64.12.9"),
    ("jonas", "Jonas Brandt", "Europe/Berlin", "84.160.33.12"),
    ("lena", "Lena Vogt", "Europe/Berlin", "93.192.70.4"),
    ("mariam", "Mariam Haddad", "Europe/Berlin", "95.90.201.77"),
    ("yusuf", "Yusuf Demir", "Europe/Berlin", "91.64.12.10"),
    ("tom", "Tom Nguyen", "Europe/London", "81.2.69.142"),
    ("carla", "Carla Mendes", "Europe/Lisbon", "188.250.10.5"),
    ("peter", "Peter Jansen", "Europe/Amsterdam", "84.24.10.6"),
    ("nadia", "Nadia Petrova", "Europe/Vienna", "80.108.14.9"),
    ("ines", "Inés Cordero", "Europe/Madrid", "88.26.14.201"),
    ("diego", "Diego Ferrer", "Europe/Madrid", "88.26.14.202"),
    ("lucia", "Lucía Navarro", "Europe/Madrid", "83.45.120.33"),
    ("pablo", "Pablo Ortega", "Europe/Madrid", "79.144.60.18"),
    ("marta", "Marta Vidal", "Europe/Madrid", "90.168.22.5"),
    ("rafael", "Rafael Souza", "Europe/Lisbon", "188.250.10.6"),
    ("sofia", "Sofia Rossi", "Europe/Rome", "151.38.10.7"),
    ("grace", "Grace Whitfield", "America/Chicago", "99.32.10.4"),
    ("daniel", "Daniel Reyes", "America/Chicago", "99.32.10.5"),
    ("olivia", "Olivia Chen", "America/Chicago", "73.32.100.21"),
    ("marcus", "Marcus Bell", "America/Chicago", "70.114.8.30"),
    ("priya", "Priya Raman", "America/New_York", "72.229.28.185"),
    ("sam", "Sam Kowalski", "America/Denver", "73.153.60.2"),
];

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const FIREFOX_WINDOWS: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0";
const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36";
const CHROME_ANDROID: &str =
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36";
const EDGE: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0";
const SAFARI: &str =
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15";
const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1";

/// Username, user agent, IP address, and minutes since the sign-in and since the last use.
pub const SESSIONS: &[(&str, &str, &str, i64, i64)] = &[
    ("alice", IPHONE, "2a00:23c8:7b0c:a201:7d44:5c55:3e6a:91e1", 5 * DAY, 2 * MINUTE),
    ("alice", "python-requests/2.32.3", "18.184.12.77", 3 * DAY, 12 * MINUTE),
    ("alice", FIREFOX_WINDOWS, "177.92.48.10", 3 * HOUR + 5, 3 * HOUR),
    ("alice", "", "203.0.113.9", 9 * DAY, 30 * HOUR),
    ("alice", "Grafana/11.0.0", "10.20.0.4", 8 * DAY, 2 * DAY),
    ("bob", FIREFOX, "85.214.132.117", 2 * DAY, 20 * MINUTE),
    ("bob", "curl/8.5.0", "85.214.132.117", DAY, 5 * HOUR),
    ("erik", SAFARI, "87.123.45.67", 6 * DAY, 50 * MINUTE),
    ("hannah", EDGE, "91.64.12.9", DAY + 2 * HOUR, 8 * MINUTE),
    ("jonas", CHROME, "84.160.33.12", 4 * HOUR, MINUTE),
    ("jonas", CHROME_ANDROID, "93.228.100.7", 7 * DAY, 16 * HOUR),
    ("lena", FIREFOX, "93.192.70.4", 3 * DAY, 4 * HOUR),
    ("mariam", EDGE, "95.90.201.77", 2 * DAY, 90 * MINUTE),
    ("yusuf", CHROME, "91.64.12.10", 4 * DAY, DAY),
    ("tom", SAFARI, "81.2.69.142", 5 * DAY, 3 * HOUR),
    ("carla", CHROME, "188.250.10.5", 2 * HOUR, 3 * MINUTE),
    ("carla", CHROME_ANDROID, "188.250.10.5", 3 * DAY, 9 * HOUR),
    ("peter", FIREFOX, "84.24.10.6", DAY, 6 * HOUR),
    ("nadia", IPHONE, "80.108.14.9", 11 * DAY, 3 * DAY),
    ("ines", SAFARI, "88.26.14.201", 8 * DAY, 40 * MINUTE),
    ("diego", EDGE, "88.26.14.202", 5 * HOUR, 15 * MINUTE),
    ("lucia", CHROME, "83.45.120.33", 7 * HOUR, 4 * MINUTE),
    ("pablo", CHROME_ANDROID, "79.144.60.18", 2 * DAY, 5 * HOUR),
    ("marta", FIREFOX_WINDOWS, "90.168.22.5", 6 * DAY, 2 * DAY),
    ("rafael", CHROME, "188.250.10.6", 3 * HOUR, 25 * MINUTE),
    ("sofia", SAFARI, "151.38.10.7", 9 * DAY, 4 * DAY),
    ("grace", IPHONE, "99.32.10.4", 10 * DAY, 12 * HOUR),
    ("daniel", CHROME, "99.32.10.5", DAY, 11 * HOUR),
    ("olivia", EDGE, "73.32.100.21", 20 * HOUR, 13 * HOUR),
    ("olivia", "curl/8.5.0", "3.128.40.11", 4 * DAY, HOUR),
    ("marcus", FIREFOX, "70.114.8.30", 2 * DAY, 15 * HOUR),
    ("priya", SAFARI, "72.229.28.185", 6 * DAY, DAY),
    ("sam", CHROME, "73.153.60.2", 16 * HOUR, 14 * HOUR),
];

/// Who to sign in as, and why.
pub const SIGN_IN_AS: [(&str, &str); 8] = [
    ("alice", "administrator of the site, owner of Nordlicht Energie"),
    ("hannah", "administrator of Nordlicht Energie: grants access, opens no device"),
    ("jonas", "operator of Portfolio North"),
    ("bob", "technician of Portfolio South"),
    ("carla", "technician of the vendor Helioserv, until a few days from now"),
    ("mariam", "auditor of Nordlicht Energie"),
    ("tom", "viewer of one plant, for three days more"),
    ("yusuf", "member of Nordlicht Energie without a grant"),
];
