//! Every role, action, vendor, credential and state of a plant, against tables that can be checked by eye.

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::foundation::ids::GrantId;

/// What each role allows, in a session of an enabled account, while remote access is open.
const ROLES: &str = "
    role                     | see | open | edit | close | audit log | people | administer | owners
    no role                  |     |      |      |       |           |        |            |
    viewer                   | yes |      |      |       |           |        |            |
    technician               | yes | yes  |      |       |           |        |            |
    operator                 | yes | yes  | yes  | yes   | yes       | yes    |            |
    auditor                  | yes |      |      |       | yes       | yes    |            |
    viewer of a vendor       | yes |      |      |       |           |        |            |
    technician of a vendor   | yes | yes  |      |       |           |        |            |
    operator of a vendor     | yes | yes  |      |       | yes       | yes    |            |
    auditor of a vendor      | yes |      |      |       | yes       | yes    |            |
    member                   |     |      |      |       |           |        |            |
    administrator            | yes |      | yes  | yes   |           | yes    | yes        |
    owner                    | yes |      | yes  | yes   | yes       | yes    | yes        | yes
";

/// What each credential can do at most.
const CREDENTIALS: &str = "
    credential               | see | open | edit | close | audit log | people | administer | owners
    session                  | yes | yes  | yes  | yes   | yes       | yes    | yes        | yes
    token: full              | yes | yes  | yes  | yes   | yes       | yes    |            |
    token: read              | yes |      |      |       | yes       | yes    |            |
    token: sessions          |     |      |      |       |           |        |            |
    token: audit             |     |      |      |       | yes       |        |            |
    token: devices           |     | yes  |      |       |           |        |            |
";

/// What remains possible, whatever roles a person has.
const STATES: &str = "
    state                    | see | open | edit | close | audit log | people | administer | owners
    open                     | yes | yes  | yes  | yes   | yes       | yes    | yes        | yes
    remote access closed     | yes |      | yes  | yes   | yes       | yes    | yes        | yes
    account disabled         |     |      |      |       |           |        |            |
";

/// Returns whether the table says yes.
fn is_yes(table: &str, row: &str, action: Action) -> bool {
    let column = match action {
        Action::See => "see",
        Action::Open => "open",
        Action::Edit => "edit",
        Action::Close => "close",
        Action::ReadAuditLog => "audit log",
        Action::SeePeople => "people",
        Action::Administer => "administer",
        Action::AdministerOwners => "owners",
    };
    let mut rows = table.trim().lines().map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    let column = rows.next().unwrap().iter().position(|name| *name == column).unwrap();
    match rows.find(|cells| cells[0] == row).unwrap()[column] {
        "yes" => true,
        "" => false,
        other => panic!("{other} in a table"),
    }
}

fn now() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-06-01T12:00:00Z").unwrap().to_utc()
}

fn grant(role: Role, expires_at: Option<DateTime<Utc>>) -> GrantedRole {
    GrantedRole { grant: GrantId::new(now()), role, expires_at }
}

/// Everything that the matrix varies.
#[derive(Debug, Clone, Copy)]
struct Case {
    role: Option<Role>,
    is_expired: bool,
    is_vendor: bool,
    membership: Option<OrganizationRole>,
    token_group: Option<Group>,
    is_closed: bool,
    is_enabled: bool,
}

/// A session of somebody without any role.
const NOBODY: Case =
    Case { role: None, is_expired: false, is_vendor: false, membership: None, token_group: None, is_closed: false, is_enabled: true };

impl Case {
    fn all() -> Vec<Self> {
        let mut cases = Vec::new();
        for role in options(Role::ALL) {
            for membership in options(OrganizationRole::ALL) {
                for token_group in options(Group::ALL) {
                    for bits in 0..16 {
                        let [is_expired, is_vendor, is_closed, is_enabled] = [1, 2, 4, 8].map(|bit| bits & bit != 0);
                        cases.push(Self { role, is_expired, is_vendor, membership, token_group, is_closed, is_enabled });
                    }
                }
            }
        }
        cases
    }

    fn facts(self) -> Facts {
        let end = self.is_expired.then(now); // a grant that ends now has ended
        Facts {
            is_enabled: self.is_enabled,
            token_group: self.token_group,
            membership: self.membership,
            is_vendor: self.is_vendor,
            grants: self.role.map(|role| grant(role, end)).into_iter().collect(),
            is_closed: self.is_closed,
        }
    }

    /// Returns the rows of [`ROLES`] that apply.
    fn roles(self) -> Vec<String> {
        let grant = self.role.filter(|_| !self.is_expired).map(Role::key);
        let grant = grant.map(|role| if self.is_vendor { format!("{role} of a vendor") } else { role.to_owned() });
        let membership = self.membership.map(|role| role.key().to_owned());
        let roles: Vec<String> = grant.into_iter().chain(membership).collect();
        if roles.is_empty() { vec!["no role".to_owned()] } else { roles }
    }

    /// Returns the row of [`CREDENTIALS`] that applies.
    fn credential(self) -> String {
        self.token_group.map_or("session".to_owned(), |group| format!("token: {}", group.key()))
    }

    /// Returns the rows of [`STATES`] that apply.
    fn states(self) -> [&'static str; 2] {
        [if self.is_closed { "remote access closed" } else { "open" }, if self.is_enabled { "open" } else { "account disabled" }]
    }
}

/// Returns nothing, and each of these.
fn options<T, const N: usize>(all: [T; N]) -> Vec<Option<T>> {
    std::iter::once(None).chain(all.into_iter().map(Some)).collect()
}

/// AUT-1, AUT-2: a decision is what the three tables say together: one role says yes, and neither credential nor state says no.
#[test]
fn decisions_are_those_of_the_tables() {
    let mut allowed = 0;
    for case in Case::all() {
        let facts = case.facts();
        for action in Action::ALL {
            let by_role = case.roles().iter().any(|role| is_yes(ROLES, role, action));
            let by_credential = is_yes(CREDENTIALS, &case.credential(), action);
            let by_state = case.states().iter().all(|state| is_yes(STATES, state, action));
            let decision = decide(&facts, action, now());
            assert_eq!(decision.is_allowed(), by_role && by_credential && by_state, "{action:?} {case:?}");
            assert_eq!(decision.reasons.is_empty(), !by_role, "{action:?} {case:?}");
            assert_eq!(decision.refusal.is_none(), by_credential && by_state, "{action:?} {case:?}");
            allowed += usize::from(decision.is_allowed());
        }
    }
    assert!(allowed > 1_000, "the matrix allows only {allowed}");
}

/// AUT-5: each role that allows the action is a reason, and nothing else is.
#[test]
fn every_role_that_allows_is_a_reason() {
    for case in Case::all() {
        let facts = case.facts();
        for action in Action::ALL {
            let by_role = case.roles().iter().filter(|role| is_yes(ROLES, role, action)).count();
            assert_eq!(decide(&facts, action, now()).reasons.len(), by_role, "{action:?} {case:?}");
        }
    }
}

/// The refusal that is told is the most general one: nobody learns from it that a plant is closed whose account is disabled.
#[test]
fn refusals_name_the_most_general_cause() {
    let refused = |is_enabled, token_group, is_closed| {
        let case = Case { role: Some(Role::Operator), token_group, is_closed, is_enabled, ..NOBODY };
        decide(&case.facts(), Action::Open, now()).refusal
    };
    assert_eq!(refused(false, Some(Group::Audit), true), Some(Refusal::AccountDisabled));
    assert_eq!(refused(true, Some(Group::Audit), true), Some(Refusal::NotInGroup));
    assert_eq!(refused(true, None, true), Some(Refusal::Closed));
    assert_eq!(refused(true, None, false), None);
}

/// AUT-4: a second grant adds to the first, in whichever order they come, and an expired one neither adds nor takes away.
#[test]
fn grants_only_add() {
    let (ended, later) = (Some(now() - TimeDelta::seconds(1)), Some(now() + TimeDelta::seconds(1)));
    for (first, second) in Role::ALL.into_iter().flat_map(|first| Role::ALL.map(|second| (first, second))) {
        for action in Action::ALL {
            let is_allowed = |grants| decide(&Facts { grants, ..NOBODY.facts() }, action, now()).is_allowed();
            let by = |role: Role| is_yes(ROLES, role.key(), action);
            assert_eq!(
                is_allowed(vec![grant(first, None), grant(second, later)]),
                by(first) || by(second),
                "{first:?} {second:?} {action:?}"
            );
            assert_eq!(is_allowed(vec![grant(first, ended), grant(second, later)]), by(second), "{first:?} {second:?} {action:?}");
            assert_eq!(is_allowed(vec![grant(second, later), grant(first, ended)]), by(second), "{first:?} {second:?} {action:?}");
        }
    }
}
