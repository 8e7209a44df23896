//! Loads what a plant's page shows.

use chrono::{DateTime, Utc};

use crate::{
    access::Principal,
    error::AppError,
    foundation::{
        db::ReadConnection,
        http::page::{PageRequest, cut},
        ids::{GrantId, PlantId, UserId},
        services::Services,
    },
    permissions::{
        authorize,
        decide::{Action, Facts, Refusal, decide},
        grants::{
            self,
            api::{GrantPageData, open_grant},
            form::Entered,
        },
        model::{Grant, OrganizationRole, ScopeId, ScopeKind},
        reach::{self, model::PersonWithAccess, store::PlantScope},
        store as permissions,
        vendors::{self, store::VendorReach},
    },
    plants::{
        model::{Device, Plant},
        plant::store::{self, Ancestry, NamedPlant},
        view::{place_name, role_name},
        visible::DeviceRow,
    },
    sessions::caller::{CurrentSession, current_session},
};

/// Devices and people that the page shows at first. A link shows more.
const SHOWN_AT_FIRST: i64 = 100;
/// Devices and people that it shows then.
pub const SHOWN_AT_MOST: i64 = 1_000;

/// What the address of the page asks for.
#[derive(Debug, Clone, Default)]
pub struct PlantQuery {
    /// Id of the plant.
    pub id: String,
    /// Whether to show all devices.
    pub all_devices: bool,
    /// Cursor of the page of devices. `None` for the first one.
    pub device_cursor: Option<String>,
    /// Whether to show all people.
    pub all_people: bool,
    /// Whether the dialog that closes remote access is open.
    pub is_closing: bool,
    /// Id of the grant that the dialog about its end is about, or empty.
    pub ending: String,
    /// What was entered in the dialog that grants access, if it is open.
    pub granting: Option<Entered>,
}

/// What the page shows.
pub struct PlantPageData {
    /// The plant, as the person sees it.
    pub plant: Plant,
    /// Name of its organization.
    pub organization_name: String,
    /// Name of its portfolio.
    pub portfolio_name: String,
    /// Its place and country in words.
    pub place: Option<String>,
    /// What the person is for the plant, in a word.
    pub role: Option<&'static str>,
    /// What the person may do.
    pub may: May,
    /// The devices, by name: a page of them, if there are many.
    pub devices: Vec<Device>,
    /// Whether there are devices before these.
    pub is_continued: bool,
    /// Cursor of the next page of devices. `None` on the last page.
    pub next_devices: Option<String>,
    /// Who can reach it.
    pub reach: Reach,
    /// The vendors whose people can reach it, for those who administer its organization.
    pub vendors: Vec<VendorReach>,
    /// The grant that a dialog asks about, with the number of plants in its scope.
    pub ending: Option<(Grant, i64)>,
    /// The dialog that grants access.
    pub granting: Option<GrantPageData>,
    /// Number of owners who are notified of a closure.
    pub owners: usize,
    /// The person.
    pub user: UserId,
    /// The person's time zone.
    pub time_zone: String,
    /// The current time.
    pub now: DateTime<Utc>,
}

/// What the person may do with the plant.
#[derive(Debug, Clone, Copy)]
pub struct May {
    /// To open devices, unless remote access is closed.
    pub open: bool,
    /// To edit the plant and its devices.
    pub edit: bool,
    /// To close remote access.
    pub close: bool,
    /// To reopen it, and to grant access.
    pub administer: bool,
}

/// Who can reach the plant.
pub struct Reach {
    /// Number of people.
    pub people: i64,
    /// How many of them work for a vendor.
    pub vendor_people: i64,
    /// What the person may know of it.
    pub known: Known,
}

/// What a person may know of who can reach a plant.
pub enum Known {
    /// Everybody by name, with all grants: not all people, if there are many.
    Everybody(Vec<PersonWithAccess>),
    /// The person's own grants and role in the organization.
    Own(Vec<Grant>, Option<OrganizationRole>),
}

/// Loads the page. `None`, and status 404, if there is no such plant or the person does not see it.
pub async fn load_plant(query: PlantQuery) -> Result<Option<PlantPageData>, AppError> {
    match load(query).await {
        Err(AppError::NotFound) => {
            AppError::NotFound.set_response();
            Ok(None)
        }
        Err(AppError::ReauthenticationRequired) => Err(AppError::ReauthenticationRequired), // the dialog has set a redirect
        other => other.map(Some).inspect_err(AppError::set_response),
    }
}

async fn load(query: PlantQuery) -> Result<PlantPageData, AppError> {
    let (services, caller) = current_session()?;
    let (user, now) = (&caller.account.id, services.clock.now());
    let id = PlantId::parse(&query.id).ok_or(AppError::NotFound)?;
    let mut db = services.db.read().await?;
    let facts = find_facts(&mut db, &services, &caller, &id).await?;
    let NamedPlant { plant, organization_name, portfolio_name } =
        store::find_plant(&mut db, user, &id, now).await?.ok_or(AppError::NotFound)?;
    let limit = |shows_all| if shows_all { SHOWN_AT_MOST } else { SHOWN_AT_FIRST };
    let may = permitted(&facts, now);
    let is_continued = query.device_cursor.is_some();
    let [after] = PageRequest::new(None, query.device_cursor, None)?.position()?;
    let most = limit(query.all_devices || is_continued);
    let found = store::list_devices(&mut db, &id, &after, most + 1).await?;
    let (devices, next_devices) = cut(found, most, |row: &DeviceRow| [row.normalized_name.as_str()]);
    let of = Ancestry { organization: &plant.organization, portfolio: &plant.portfolio, plant: &plant.id };
    let (people, vendor_people) = store::count_people(&mut db, of, now).await?;
    let is_closing = query.is_closing && may.close;
    let owners = if is_closing { permissions::owners(&mut db, &plant.organization).await?.len() } else { 0 };
    let vendors = match may.administer {
        true => {
            let scope = PlantScope { plant: id.clone(), portfolio: plant.portfolio.clone(), organization: plant.organization.clone() };
            vendors::store::list_reaching(&mut db, &scope, now).await?
        }
        false => Vec::new(),
    };
    drop(db);
    let known = load_known(&services, &caller, &plant, &facts, limit(query.all_people)).await?;
    let ending = if may.administer { find_ending(&services, &caller, &query.ending).await? } else { None };
    let granting = match query.granting.filter(|_| may.administer) {
        Some(entered) => {
            let at = grants::form::key(ScopeKind::Plant, plant.id.as_str());
            Some(open_grant(Entered { at, dialog: "yes".to_owned(), ..entered }).await?)
        }
        None => None,
    };
    let countries = services.geoip.get().await;
    Ok(PlantPageData {
        place: place_name(&plant, countries.as_deref()),
        role: role_name(&plant.your_roles, facts.membership),
        may,
        devices: devices.into_iter().map(|row| row.device).collect(),
        is_continued,
        next_devices,
        reach: Reach { people, vendor_people, known },
        vendors,
        ending,
        granting,
        owners,
        user: user.clone(),
        time_zone: caller.account.time_zone.clone(),
        now,
        plant,
        organization_name,
        portfolio_name,
    })
}

/// Returns what is known about a person and a plant that they see.
///
/// Errors: [`AppError::NotFound`].
async fn find_facts(db: &mut ReadConnection, services: &Services, principal: &Principal, id: &PlantId) -> Result<Facts, AppError> {
    let known = authorize::find_known(db, services, principal, &ScopeId::Plant(id.clone())).await?;
    let sees = decide(&known.facts, Action::See, services.clock.now()).is_allowed();
    if sees { Ok(known.facts) } else { Err(AppError::NotFound) }
}

fn permitted(facts: &Facts, now: DateTime<Utc>) -> May {
    let opens = decide(facts, Action::Open, now);
    May {
        open: !opens.reasons.is_empty() && matches!(opens.refusal, None | Some(Refusal::Closed)),
        edit: decide(facts, Action::Edit, now).is_allowed(),
        close: decide(facts, Action::Close, now).is_allowed(),
        administer: decide(facts, Action::Administer, now).is_allowed(),
    }
}

/// Loads who can reach a plant: people with their names, or the person's own access.
async fn load_known(services: &Services, caller: &CurrentSession, plant: &Plant, facts: &Facts, limit: i64) -> Result<Known, AppError> {
    let now = services.clock.now();
    if decide(facts, Action::SeePeople, now).is_allowed() {
        return Ok(Known::Everybody(reach::actions::people(services, caller, &plant.id, &PageRequest::first(limit)).await?.0));
    }
    let Plant { id, portfolio, organization, .. } = plant.clone();
    let scope = reach::store::PlantScope { plant: id, portfolio, organization };
    let own = reach::store::list_own(&mut services.db.read().await?, &scope, &caller.account.id, now).await?;
    Ok(Known::Own(own, facts.membership))
}

/// Returns the grant that a dialog asks about, with the number of plants in its scope. `None` if it has ended, or without a dialog.
async fn find_ending(services: &Services, caller: &CurrentSession, id: &str) -> Result<Option<(Grant, i64)>, AppError> {
    let Some(id) = GrantId::parse(id) else { return Ok(None) };
    let grant = match grants::actions::get(services, caller, &id).await {
        Err(AppError::NotFound) => return Ok(None),
        grant => grant?,
    };
    let Some(scope) = grant.scope_id() else { return Ok(None) };
    let plants = reach::store::count(&mut services.db.read().await?, &scope).await?.plants;
    Ok(Some((grant, plants)))
}
