//! Server functions of the API Tokens tab.

use chrono::{DateTime, Months, NaiveDate, NaiveTime, Utc};
use leptos::prelude::*;

use crate::{
    access::Group,
    api_tokens::{
        actions::{self, CreatedToken},
        model::{ApiToken, NEW_TOKEN_PAGE, PAGE, Rotation, TokenRequest, rotation_path},
    },
    error::{AppError, problem::Problem},
    foundation::ids::TokenId,
    reauthentication::{
        actions::require_recent,
        api::{or_reauthenticate, reauthentication_path},
    },
    sessions::{caller::current_session, redirect::RedirectPath},
    ui::form_response::{FormOutcome, respond, with_query},
};

/// The data of the tab.
pub struct TokensTab {
    /// The tokens, the newest first.
    pub tokens: Vec<ApiToken>,
    /// The current time.
    pub now: DateTime<Utc>,
    /// The user's time zone.
    pub time_zone: String,
}

/// Loads the data of the tab.
pub async fn open_tokens() -> Result<TokensTab, AppError> {
    let (services, caller) = current_session()?;
    let tokens = actions::list(&services, &caller).await?;
    Ok(TokensTab { tokens, now: services.clock.now(), time_zone: caller.account.time_zone.clone() })
}

/// Requires recent authentication before the form for a new token is filled in: redirects to reauthentication otherwise.
pub async fn open_new() -> Result<(), AppError> {
    let (services, caller) = current_session()?;
    if require_recent(&services, &caller).is_err() {
        leptos_axum::redirect(&reauthentication_path(&RedirectPath::parse(NEW_TOKEN_PAGE)));
    }
    Ok(())
}

/// Loads the token to rotate. Redirects to reauthentication unless it is recent.
///
/// Errors: [`AppError::NotFound`].
pub async fn open_rotation(id: String) -> Result<ApiToken, AppError> {
    let (services, caller) = current_session()?;
    let token = actions::get(&services, &caller, &parse_id(&id)?).await?;
    if require_recent(&services, &caller).is_err() {
        leptos_axum::redirect(&reauthentication_path(&RedirectPath::parse(&rotation_path(&id))));
    }
    Ok(token)
}

/// Creates a token and redirects to the page that shows its secret.
#[server(prefix = "/api/ui", endpoint = "create_token")]
pub async fn create_token(name: String, group: String, life: String, #[server(default)] until: String) -> Result<String, Problem> {
    let create = async || {
        let (services, caller) = current_session()?;
        let expires_at = parse_expiry(&life, &until, services.clock.now())?;
        let group = Group::parse(&group).ok_or_else(|| AppError::invalid("group", "Choose a permission group."))?;
        let created = actions::create(&services, &caller, &TokenRequest { name: name.clone(), group, expires_at }).await?;
        Ok(redirect_to_secret(created))
    };
    let typed = [("name", name.as_str()), ("group", &group), ("life", &life), ("until", &until)];
    // The entered values go through the reauthentication page and come back.
    respond(or_reauthenticate(create().await, &with_query(NEW_TOKEN_PAGE, &typed)), NEW_TOKEN_PAGE, &typed)
}

/// Gives a token a new secret and redirects to the page that shows it.
#[server(prefix = "/api/ui", endpoint = "rotate_token")]
pub async fn rotate_token(id: String, grace: u32, life: String, #[server(default)] until: String) -> Result<String, Problem> {
    let rotate = async || {
        let (services, caller) = current_session()?;
        let expires_at = parse_expiry(&life, &until, services.clock.now())?;
        let rotation = Rotation { grace_seconds: grace, expires_at };
        let created = actions::rotate(&services, &caller, &parse_id(&id)?, rotation).await?;
        Ok(redirect_to_secret(created))
    };
    let form = rotation_path(&id);
    respond(or_reauthenticate(rotate().await, &form), &form, &[("life", &life), ("until", &until)])
}

/// Revokes a token. A token that is already gone is no error on a page.
#[server(prefix = "/api/ui", endpoint = "revoke_token")]
pub async fn revoke_token(id: String) -> Result<String, Problem> {
    let revoke = async || {
        let (services, caller) = current_session()?;
        match actions::revoke(&services, &caller, &parse_id(&id)?).await {
            Ok(token) => Ok(FormOutcome::redirect_to(PAGE).with_notice(format!("{} was revoked.", token.name))),
            Err(AppError::NotFound) => Ok(FormOutcome::redirect_to(PAGE).with_notice("This token was already revoked or has expired.")),
            Err(error) => Err(error),
        }
    };
    respond(revoke().await, PAGE, &[])
}

/// Revokes all tokens.
#[server(prefix = "/api/ui", endpoint = "revoke_all_tokens")]
pub async fn revoke_all_tokens() -> Result<String, Problem> {
    let revoke = async || {
        let (services, caller) = current_session()?;
        let revoked = actions::revoke_all(&services, &caller).await?;
        let notice = if revoked == 1 { "1 API token was revoked.".to_owned() } else { format!("{revoked} API tokens were revoked.") };
        Ok(FormOutcome::redirect_to(PAGE).with_notice(notice))
    };
    respond(revoke().await, PAGE, &[])
}

fn redirect_to_secret(CreatedToken { secret, token }: CreatedToken) -> FormOutcome {
    FormOutcome::redirect_to(PAGE).with_notice(format!("{} is ready.", token.name)).with_secret(secret.reveal())
}

fn parse_id(id: &str) -> Result<TokenId, AppError> {
    TokenId::parse(id).ok_or(AppError::NotFound)
}

/// Parses the expiry that a form sends. `life` is a number of months, `until` for the beginning of the day `until` (UTC), or empty: `None`.
fn parse_expiry(life: &str, until: &str, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, AppError> {
    match life {
        "" => Ok(None),
        "until" => {
            let day: NaiveDate = until.parse().map_err(|_| AppError::invalid("until", "Choose the date on which the token expires."))?;
            Ok(Some(day.and_time(NaiveTime::MIN).and_utc()))
        }
        months => {
            let months = months.parse().map_err(|_| AppError::invalid("life", "Choose when the token expires."))?;
            let end = now.checked_add_months(Months::new(months));
            end.map(Some).ok_or_else(|| AppError::invalid("life", "A token must expire within 5 years."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expiry_is_parsed_from_the_form() {
        let at = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().to_utc();
        let now = at("2026-06-01T12:00:00Z");
        assert_eq!(parse_expiry("", "", now), Ok(None));
        assert_eq!(parse_expiry("12", "", now), Ok(Some(at("2027-06-01T12:00:00Z"))));
        assert_eq!(parse_expiry("until", "2026-07-02", now), Ok(Some(at("2026-07-02T00:00:00Z"))));
        for (life, until) in [("until", ""), ("until", "tomorrow"), ("soon", ""), ("-1", "")] {
            assert!(parse_expiry(life, until, now).is_err(), "{life} {until}");
        }
    }
}
