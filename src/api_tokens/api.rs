//! The doors of the API Tokens tab.

use chrono::{DateTime, Months, NaiveDate, NaiveTime, Utc};
use leptos::prelude::*;

use crate::{
    access::Group,
    api_tokens::{
        actions::{self, Made},
        model::{ApiToken, NEW, PAGE, Rotation, Wanted, rotation_path},
    },
    error::AppError,
    foundation::ids::TokenId,
    proof::{
        actions::require_fresh,
        api::{path as confirm_path, proven},
    },
    sessions::{caller::caller, next::Next},
    ui::plain_form::{Led, lead, with_query},
};

/// What the tab shows.
pub struct Opened {
    /// The tokens, the newest first.
    pub tokens: Vec<ApiToken>,
    /// When it is.
    pub now: DateTime<Utc>,
    /// In which time zone its person reads times.
    pub time_zone: String,
}

/// What the tab shows.
pub async fn open_tokens() -> Result<Opened, AppError> {
    let (services, caller) = caller()?;
    let tokens = actions::list(&services, &caller).await?;
    Ok(Opened { tokens, now: services.clock.now(), time_zone: caller.account.time_zone.clone() })
}

/// The form of a new token asks for a fresh proof before anything is typed: without one it leads to where that is given.
pub async fn open_new() -> Result<(), AppError> {
    let (services, caller) = caller()?;
    if require_fresh(&services, &caller).is_err() {
        leptos_axum::redirect(&confirm_path(&Next::parse(NEW)));
    }
    Ok(())
}

/// The token that is to be rotated.
pub async fn open_rotation(id: String) -> Result<ApiToken, AppError> {
    let (services, caller) = caller()?;
    let token = actions::one(&services, &caller, &read_id(&id)?).await?;
    if require_fresh(&services, &caller).is_err() {
        leptos_axum::redirect(&confirm_path(&Next::parse(&rotation_path(&id))));
    }
    Ok(token)
}

/// Makes a token, and leads to where its secret is shown.
#[server(prefix = "/api/ui", endpoint = "create_token")]
pub async fn create_token(name: String, group: String, life: String, #[server(default)] until: String) -> Result<String, AppError> {
    let create = async || {
        let (services, caller) = caller()?;
        let expires_at = read_life(&life, &until, services.clock.now())?;
        let group = Group::parse(&group).ok_or_else(|| AppError::invalid("group", "Choose what the token may do."))?;
        let made = actions::create(&services, &caller, &Wanted { name: name.clone(), group, expires_at }).await?;
        Ok(shown(made))
    };
    let typed = [("name", name.as_str()), ("group", &group), ("life", &life), ("until", &until)];
    // What was typed goes through the page that asks for the password, and comes back.
    lead(proven(create().await, &with_query(NEW, &typed)), NEW, &typed)
}

/// Gives a token a new secret, and leads to where it is shown.
#[server(prefix = "/api/ui", endpoint = "rotate_token")]
pub async fn rotate_token(id: String, grace: u32, life: String, #[server(default)] until: String) -> Result<String, AppError> {
    let rotate = async || {
        let (services, caller) = caller()?;
        let expires_at = read_life(&life, &until, services.clock.now())?;
        let rotation = Rotation { grace_seconds: grace, expires_at };
        let made = actions::rotate(&services, &caller, &read_id(&id)?, rotation).await?;
        Ok(shown(made))
    };
    let form = rotation_path(&id);
    lead(proven(rotate().await, &form), &form, &[("life", &life), ("until", &until)])
}

/// Revokes a token. One that is gone already is no error to a person.
#[server(prefix = "/api/ui", endpoint = "revoke_token")]
pub async fn revoke_token(id: String) -> Result<String, AppError> {
    let revoke = async || {
        let (services, caller) = caller()?;
        match actions::revoke(&services, &caller, &read_id(&id)?).await {
            Ok(token) => Ok(Led::to(PAGE).saying(format!("{} was revoked.", token.name))),
            Err(AppError::NotFound) => Ok(Led::to(PAGE).saying("This token was revoked already, or has expired.")),
            Err(error) => Err(error),
        }
    };
    lead(revoke().await, PAGE, &[])
}

/// Revokes all tokens.
#[server(prefix = "/api/ui", endpoint = "revoke_all_tokens")]
pub async fn revoke_all_tokens() -> Result<String, AppError> {
    let revoke = async || {
        let (services, caller) = caller()?;
        let revoked = actions::revoke_all(&services, &caller).await?;
        let words = if revoked == 1 { "1 API token was revoked.".to_owned() } else { format!("{revoked} API tokens were revoked.") };
        Ok(Led::to(PAGE).saying(words))
    };
    lead(revoke().await, PAGE, &[])
}

fn shown(Made { secret, token }: Made) -> Led {
    Led::to(PAGE).saying(format!("{} is ready.", token.name)).showing(secret.reveal())
}

fn read_id(id: &str) -> Result<TokenId, AppError> {
    TokenId::parse(id).ok_or(AppError::NotFound)
}

/// When a token is to end, as the form says it: in so many months, at the beginning of a day, or not said.
fn read_life(life: &str, until: &str, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, AppError> {
    match life {
        "" => Ok(None),
        "until" => {
            let day: NaiveDate = until.parse().map_err(|_| AppError::invalid("until", "Choose the day on which the token expires."))?;
            Ok(Some(day.and_time(NaiveTime::MIN).and_utc()))
        }
        months => {
            let months = months.parse().map_err(|_| AppError::invalid("life", "Choose when the token expires."))?;
            let end = now.checked_add_months(Months::new(months));
            end.map(Some).ok_or_else(|| AppError::invalid("life", "A token expires within 5 years."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_is_read_as_the_form_says_it() {
        let at = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().to_utc();
        let now = at("2026-06-01T12:00:00Z");
        assert_eq!(read_life("", "", now), Ok(None));
        assert_eq!(read_life("12", "", now), Ok(Some(at("2027-06-01T12:00:00Z"))));
        assert_eq!(read_life("until", "2026-07-02", now), Ok(Some(at("2026-07-02T00:00:00Z"))));
        for (life, until) in [("until", ""), ("until", "tomorrow"), ("soon", ""), ("-1", "")] {
            assert!(read_life(life, until, now).is_err(), "{life} {until}");
        }
    }
}
