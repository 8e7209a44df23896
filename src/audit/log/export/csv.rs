//! Events as comma-separated values.

use serde_json::Value;

use crate::audit::log::model::{AuditEvent, TargetKind};

/// The names of the columns.
pub const COLUMNS: [&str; 28] = [
    "id",
    "seq",
    "occurred_at",
    "action",
    "outcome",
    "actor_kind",
    "actor_id",
    "actor_name",
    "actor_owner_id",
    "actor_owner_name",
    "session",
    "person_id",
    "person_name",
    "organization_id",
    "organization_name",
    "portfolio_id",
    "portfolio_name",
    "plant_id",
    "plant_name",
    "device_id",
    "device_name",
    "ip",
    "city",
    "country",
    "country_code",
    "client",
    "request_id",
    "detail",
];

/// The targets with columns of their own.
const TARGETS: [TargetKind; 5] =
    [TargetKind::Person, TargetKind::Organization, TargetKind::Portfolio, TargetKind::Plant, TargetKind::Device];

/// Writes an event.
pub fn write(event: &AuditEvent) -> Vec<u8> {
    let (actor, context) = (&event.actor, &event.context);
    let (owner, location) = (actor.owner.as_ref(), context.location.as_ref());
    let text = |text: &Option<String>| text.clone().unwrap_or_default(); // nothing is an empty cell
    let mut cells = vec![
        event.id.to_string(),
        event.seq.map(|seq| seq.to_string()).unwrap_or_default(),
        event.occurred_at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        event.action.clone(),
        event.outcome.key().to_owned(),
        actor.kind.key().to_owned(),
        text(&actor.id),
        text(&actor.name),
        owner.map(|owner| owner.id.clone()).unwrap_or_default(),
        owner.map(|owner| text(&owner.name)).unwrap_or_default(),
        text(&event.session),
    ];
    for target in TARGETS.map(|kind| event.target(kind)) {
        cells.push(target.map(|target| target.id.clone()).unwrap_or_default());
        cells.push(target.map(|target| text(&target.name)).unwrap_or_default());
    }
    cells.push(text(&context.ip));
    cells.push(location.map(|location| text(&location.city)).unwrap_or_default());
    cells.push(location.map(|location| text(&location.country)).unwrap_or_default());
    cells.push(location.map(|location| text(&location.country_code)).unwrap_or_default());
    cells.extend([text(&context.device), text(&context.request_id), Value::Object(event.detail.clone()).to_string()]);
    line(&cells)
}

/// Writes a line.
pub fn line(cells: &[impl AsRef<str>]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let written = writer.write_record(cells.iter().map(|cell| guard(cell.as_ref())));
    written.ok().and_then(|()| writer.into_inner().ok()).expect("memory takes every line")
}

/// Keeps a spreadsheet from taking a text for a formula: OWASP, CSV injection. In some countries it divides cells at semicolons.
fn guard(cell: &str) -> String {
    let is_formula = |text: &str| text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let parts = cell.split(';').map(|part| if is_formula(part) { format!("'{part}") } else { part.to_owned() });
    parts.collect::<Vec<_>>().join(";")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_texts_for_a_spreadsheet() {
        let cells = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "a=b", "a;=b;c", "a \"quote\", and more", "two\nlines", ""];
        let expected = "'=1+1,'+1,'-1,'@SUM(A1),'\tx,\"'\rx\",a=b,a;'=b;c,\"a \"\"quote\"\", and more\",\"two\nlines\",\r\n";
        assert_eq!(String::from_utf8(line(&cells)).unwrap(), expected);
    }
}
