//! Finds what a text in a query means.

use crate::{
    accounts::store::normalize_name,
    audit::log::{
        resolve::compare_names,
        store::{
            resolve::{self as store, MAX_MATCHES, Named, Thing},
            walk::View,
        },
    },
    error::AppError,
    foundation::{db::Connection, ids::UserId},
    record::detail::is_id,
};

/// What a text names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A person.
    Person,
    /// An organization, a portfolio, a plant or a device.
    Thing(Thing),
    /// A session of the reader.
    Session,
    /// An API token of the reader.
    Token,
}

/// Returns the ids that a text means: an id means itself. If something has the text as its whole name, nothing else is meant.
///
/// Errors: [`AppError::Invalid`] if the text is part of too many names.
pub async fn find(db: &mut impl Connection, view: View<'_>, kind: Kind, text: &str) -> Result<Vec<String>, AppError> {
    let lower_case = text.to_ascii_lowercase();
    if is_id(&lower_case) {
        return Ok(vec![lower_case]);
    }
    if normalize_name(text).is_empty() {
        return Ok(Vec::new()); // invisible characters alone: they are part of every name
    }
    let mut named = find_named(db, view, kind, text).await?;
    if named.iter().any(|named| named.is_exact) {
        named.retain(|named| named.is_exact);
    } else if let (Kind::Person, true) = (kind, named.is_empty()) {
        named.extend(find_former(db, view, text).await?);
    }
    if named.len() > MAX_MATCHES {
        let message = format!("“{text}” is part of more than {MAX_MATCHES} names. Write more of the name.");
        return Err(AppError::invalid("q", message));
    }
    Ok(named.into_iter().map(|named| named.id).collect())
}

async fn find_named(db: &mut impl Connection, view: View<'_>, kind: Kind, text: &str) -> sqlx::Result<Vec<Named>> {
    let own = |(id, name): (String, String)| Some(Named { id, is_exact: compare_names(&name, text)? });
    Ok(match kind {
        Kind::Person => store::find_people(db, view, text).await?,
        Kind::Thing(thing) => store::find_things(db, view, thing, text).await?,
        Kind::Session => store::list_sessions(db, view.user).await?.into_iter().filter_map(own).collect(),
        Kind::Token => store::list_tokens(db, view.user).await?.into_iter().filter_map(own).collect(),
    })
}

/// Finds a person by exact username or email address who left an organization in which the reader reads events.
async fn find_former(db: &mut impl Connection, view: View<'_>, text: &str) -> sqlx::Result<Option<Named>> {
    let Some(found) = store::find_account(db, text).await? else { return Ok(None) };
    let is_known = match UserId::parse(&found) {
        Some(person) => store::was_there(db, view, &person).await?,
        None => false,
    };
    Ok(is_known.then_some(Named { id: found, is_exact: true }))
}
