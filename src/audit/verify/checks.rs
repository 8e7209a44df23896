//! Pure checks of an event against its leaf, its columns and its personal parts.

use crate::{
    audit::{
        tree::{Hash, leaf_hash},
        verify::store::{EventRow, PartRow},
    },
    foundation::crypto::keyring::Keyring,
    record::entry::{Entry, PersonalPart, Salted},
};

/// Checks an event with its personal parts, which are in the order of their positions. Returns what is wrong with it.
pub fn check_event(row: &EventRow, parts: &[PartRow], keyring: &Keyring) -> Result<(), String> {
    let text = row.entry.as_deref().ok_or("it was removed")?;
    let is_authentic = match row.seq {
        Some(seq) => keyring.is_authentic_leaf(seq, text.as_bytes(), &row.mac),
        None => keyring.is_authentic_event(text.as_bytes(), &row.mac),
    };
    if !is_authentic {
        return Err("its entry was changed or moved, or was not written by this program".to_owned());
    }
    if row.hash.as_deref().is_some_and(|hash| hash != leaf_hash(text.as_bytes()).as_bytes()) {
        return Err("its leaf in the tree was changed".to_owned());
    }
    let entry: Entry = serde_json::from_str(text).map_err(|error| format!("its entry cannot be read: {error}"))?;
    if entry.id != row.event_id {
        return Err(format!("it was moved here from the event {}", entry.id));
    }
    check_columns(row, &entry)?;
    check_parts(&entry, parts)
}

fn check_columns(row: &EventRow, entry: &Entry) -> Result<(), String> {
    let expected_at = chrono::DateTime::parse_from_rfc3339(&entry.at).map(|at| at.to_utc()).ok();
    if row.occurred_at != expected_at {
        return Err("its time was changed".to_owned());
    }
    let ids = &entry.ids;
    let ids = [
        &ids.actor_id,
        &ids.subject_id,
        &ids.session_id,
        &ids.token_id,
        &ids.organization_id,
        &ids.portfolio_id,
        &ids.plant_id,
        &ids.device_id,
    ];
    let ids = ids.map(|id| id.as_deref().unwrap_or_default()).join(" "); // absent ones are empty
    if row.columns.as_deref() != Some(&format!("{} {} {ids}", entry.action, entry.outcome)) {
        return Err("a column was changed".to_owned());
    }
    Ok(())
}

fn check_parts(entry: &Entry, parts: &[PartRow]) -> Result<(), String> {
    for (position, expected) in entry.personal.iter().enumerate() {
        let Some(part) = parts.get(position).filter(|part| part.part as usize == position) else {
            return Err(format!("its personal part {position} was removed, and no erasure names it"));
        };
        check_part(entry, part, expected)?;
    }
    if parts.len() > entry.personal.len() { Err("a personal part was added".to_owned()) } else { Ok(()) }
}

fn check_part(entry: &Entry, row: &PartRow, expected: &str) -> Result<(), String> {
    let changed = || format!("its personal part {} was changed", row.part);
    let salted = Salted { salt: row.salt.clone(), content: row.content.clone() };
    if salted.hash() != *expected {
        return Err(changed());
    }
    let part: PersonalPart = serde_json::from_str(&row.content).map_err(|_| changed())?;
    let (actor, subject) = entry.ids.people();
    let is_theirs = row.person_id.as_ref() == actor || row.person_id.as_ref() == subject;
    let are_columns_right = row.ip == part.ip && row.country == part.country && is_theirs;
    if are_columns_right { Ok(()) } else { Err(format!("a column of its personal part {} was changed", row.part)) }
}

/// Returns the hash of a leaf as it is stored. `None` if it has another length.
pub fn stored_hash(row: &EventRow) -> Option<Hash> {
    row.hash.as_deref().and_then(|hash| hash.try_into().ok()).map(Hash::from_bytes)
}
