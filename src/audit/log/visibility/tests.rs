use chrono::TimeDelta;

use super::*;
use crate::{foundation::ids::GrantId, permissions::model::Role};

const NOW: DateTime<Utc> = DateTime::from_timestamp_nanos(1_780_000_000_000_000_000);

fn reader() -> Reader {
    Reader { user: UserId::new(NOW), is_platform_administrator: false, token_group: None, membership: None, grants: Vec::new() }
}

/// Returns a person with a role on the organization, on the portfolio "north" or on the plant "alpha".
fn granted(role: Role, scope: &str, ends_in: Option<i64>) -> Reader {
    let portfolio = (scope == "north").then(|| "north".to_owned());
    let plant = (scope == "alpha").then(|| "alpha".to_owned());
    let expires_at = ends_in.map(|seconds| NOW + TimeDelta::seconds(seconds));
    let granted = GrantedRole { grant: GrantId::new(NOW), role, expires_at };
    Reader { grants: vec![ScopedGrant { portfolio, plant, granted }], ..reader() }
}

fn member(role: OrganizationRole) -> Reader {
    Reader { membership: Some(role), ..reader() }
}

/// Returns the ids of an event of the organization "solar": `None` for another level.
fn event(portfolio: Option<&str>, plant: Option<&str>) -> Ids {
    let text = |text: &str| Some(text.to_owned());
    Ids { organization_id: text("solar"), portfolio_id: portfolio.and_then(text), plant_id: plant.and_then(text), ..Ids::default() }
}

/// Returns who sees an event of alpha, of beta in the same portfolio, of gamma in another, of the portfolio, and of the organization.
fn seen(reader: &Reader) -> String {
    let events = [
        event(Some("north"), Some("alpha")),
        event(Some("north"), Some("beta")),
        event(Some("south"), Some("gamma")),
        event(Some("north"), None),
        event(None, None),
    ];
    events.iter().map(|event| if may_see(reader, "plant.changed", event, NOW) { 'x' } else { '-' }).collect()
}

/// AUT-1, AUT-2
#[test]
fn roles_open_the_log_of_their_scope() {
    #[rustfmt::skip]
    let table = [
        //                                                       alpha, beta, gamma, north, organization
        ("nobody",                  reader(),                                          "-----"),
        ("member",                  member(OrganizationRole::Member),                  "-----"),
        ("administrator",           member(OrganizationRole::Administrator),           "-----"),
        ("owner",                   member(OrganizationRole::Owner),                   "xxxxx"),
        ("operator of all",         granted(Role::Operator, "solar", None),            "xxxxx"),
        ("auditor of all",          granted(Role::Auditor, "solar", None),             "xxxxx"),
        ("auditor of north",        granted(Role::Auditor, "north", None),             "xx-x-"),
        ("operator of alpha",       granted(Role::Operator, "alpha", None),            "x----"),
        ("auditor of alpha",        granted(Role::Auditor, "alpha", None),             "x----"),
        ("technician of all",       granted(Role::Technician, "solar", None),          "-----"),
        ("viewer of alpha",         granted(Role::Viewer, "alpha", None),              "-----"),
        ("auditor until later",     granted(Role::Auditor, "alpha", Some(1)),          "x----"),
        ("auditor until now",       granted(Role::Auditor, "alpha", Some(0)),          "-----"),
        ("platform administrator",  Reader { is_platform_administrator: true, ..reader() }, "-----"),
        ("token of full access",    Reader { token_group: Some(Group::Full), ..member(OrganizationRole::Owner) },     "xxxxx"),
        ("token that reads",        Reader { token_group: Some(Group::Read), ..member(OrganizationRole::Owner) },     "xxxxx"),
        ("token of the audit log",  Reader { token_group: Some(Group::Audit), ..member(OrganizationRole::Owner) },    "xxxxx"),
        ("token of sessions",       Reader { token_group: Some(Group::Sessions), ..member(OrganizationRole::Owner) }, "-----"),
        ("token of devices",        Reader { token_group: Some(Group::Devices), ..member(OrganizationRole::Owner) },  "-----"),
    ];
    for (who, reader, expected) in table {
        assert_eq!(seen(&reader), expected, "{who}");
    }
}

#[test]
fn everybody_sees_what_they_did_and_what_concerns_them() {
    let reader = reader();
    let me = Some(reader.user.to_string());
    let did = Ids { actor_id: me.clone(), ..event(Some("north"), Some("alpha")) };
    let concerns = Ids { subject_id: me, ..Ids::default() };
    assert!(may_see(&reader, "plant.changed", &did, NOW) && may_see(&reader, "account.signed_in", &concerns, NOW));
    let by_token = |group| Reader { token_group: Some(group), ..reader.clone() };
    assert!(may_see(&by_token(Group::Audit), "plant.changed", &did, NOW));
    assert!(!may_see(&by_token(Group::Sessions), "plant.changed", &did, NOW));
}

#[test]
fn platform_administrators_see_what_belongs_to_no_organization_and_changes_of_organizations() {
    let administrator = Reader { is_platform_administrator: true, ..reader() };
    let outside = Ids { subject_id: Some("somebody".to_owned()), ..Ids::default() };
    assert!(may_see(&administrator, "account.signed_in", &outside, NOW) && !may_see(&reader(), "account.signed_in", &outside, NOW));
    assert!(may_see(&administrator, "organization.changed", &event(None, None), NOW));
    assert!(!may_see(&administrator, "member.changed", &event(None, None), NOW));
    let lost = Ids { organization_id: None, ..event(None, Some("alpha")) };
    assert!(!may_see(&administrator, "plant.changed", &lost, NOW), "no plant by that alone");
}
