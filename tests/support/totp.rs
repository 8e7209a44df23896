//! The second factor, with codes from `oathtool`, an independent implementation.

use std::process::Command;

use chrono::{DateTime, Duration, Utc};
use reqwest::{Method, StatusCode};

use super::Client;

/// Returns the code of this seed at this time, as `oathtool` computes it.
pub fn code(seed: &str, at: DateTime<Utc>) -> String {
    let now = at.format("%Y-%m-%d %H:%M:%S UTC").to_string();
    let output = Command::new("oathtool").args(["--totp", "--base32", "--now", &now, seed]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Returns the text of a page between `before` and the next `after`.
pub fn between<'a>(page: &'a str, before: &str, after: &str) -> &'a str {
    let start = page.find(before).unwrap_or_else(|| panic!("no {before} in {page}")) + before.len();
    &page[start..start + page[start..].find(after).unwrap()]
}

pub async fn page(client: &Client<'_>, path: &str) -> String {
    client.browser(Method::GET, path).send().await.unwrap().text().await.unwrap()
}

/// Enables the second factor. Returns its seed and its recovery codes.
pub async fn enable_two_factor(client: &Client<'_>) -> (String, Vec<String>) {
    assert_eq!(client.post_form("prepare_two_factor", &[]).await.status(), StatusCode::OK);
    let scan = page(client, "/profile/two-factor?step=1").await;
    assert!(scan.contains("<svg"));
    let seed = between(&scan, "id=\"seed\">", "<").replace(' ', "");
    let keep = page(client, "/profile/two-factor?step=2").await;
    let codes = between(&keep, "class=\"recovery-codes\">", "<").lines().map(str::to_owned).collect();
    let answer = client.post_form("enable_two_factor", &[("code", &code(&seed, client.app.now()))]).await;
    assert_eq!(answer.status(), StatusCode::OK, "{}", answer.text().await.unwrap());
    client.app.advance(Duration::seconds(30)); // each code is accepted once, so the next one must differ
    (seed, codes)
}
