//! Resolves a query: names become ids, among what the reader may know.

use chrono_tz::Tz;

use crate::{
    accounts::store::normalize_name,
    audit::{
        log::{
            names::{self, Kind},
            reader::MAX_WALKS,
            search::{Compared, Condition, NetworkCondition, Plan, Search},
            sources::Walk,
            store::{resolve as store, walk::View},
        },
        query::{ActionPattern, Filter, IpNetwork, Qualifier, Query, Term, Value},
    },
    error::AppError,
    foundation::db::Connection,
    record::Action,
};

/// A search, or a sentence that says which word or value means nothing here.
pub type Resolved = Result<Search, String>;

/// Resolves a query. Days without an offset are in the time zone of the reader.
///
/// Errors: [`AppError::Invalid`] for a name that means too many things.
pub async fn resolve(db: &mut impl Connection, view: View<'_>, query: &Query, tz: Tz) -> Result<Resolved, AppError> {
    let mut search = Search::new(query.range(view.now, tz));
    for qualifier in Qualifier::ALL.into_iter().filter(|qualifier| *qualifier != Qualifier::Created) {
        for is_negated in [false, true] {
            let filters: Vec<&Filter> = query.terms.iter().filter_map(Term::filter).collect();
            let is_meant = |filter: &&Filter| filter.qualifier == qualifier && filter.is_negated == is_negated;
            let values: Vec<&Value> = filters.into_iter().filter(is_meant).map(|filter| &filter.value).collect();
            if let Some(nothing) = add_filter(db, view, &mut search, qualifier, is_negated, &values).await? {
                return Ok(Err(nothing));
            }
        }
    }
    for term in &query.terms {
        if let Term::Word(word) = term
            && let Some(nothing) = add_word(db, view, &mut search, word).await?
        {
            return Ok(Err(nothing));
        }
    }
    Ok(Ok(search))
}

/// Adds the values of a qualifier, which are alternatives. Returns a sentence if they mean nothing, so that nothing can be found.
async fn add_filter(
    db: &mut impl Connection,
    view: View<'_>,
    search: &mut Search,
    qualifier: Qualifier,
    is_negated: bool,
    values: &[&Value],
) -> Result<Option<String>, AppError> {
    let Some(first) = values.first() else { return Ok(None) };
    if let Value::Ip(_) = first {
        add_networks(search, is_negated, values);
        return Ok(None);
    }
    let mut meant = Vec::new();
    for value in values {
        meant.extend(meanings(db, view, qualifier, value).await?);
    }
    if meant.is_empty() {
        let nothing = || nothing_in_words(qualifier, &first.to_string());
        return Ok((!is_negated).then(nothing)); // what does not exist excludes nothing
    }
    if !is_negated {
        search.plans.extend(plan(db, qualifier, &meant).await?);
    }
    search.conditions.push(Condition { subject: compared(qualifier), is_negated, values: meant });
    Ok(None)
}

/// Returns what a value means: ids, or the values of a column.
async fn meanings(db: &mut impl Connection, view: View<'_>, qualifier: Qualifier, value: &Value) -> Result<Vec<String>, AppError> {
    Ok(match value {
        Value::Text(text) => names::find(db, view, kind(qualifier), text).await?,
        Value::Action(ActionPattern::One(action)) => vec![action.clone()],
        Value::Action(ActionPattern::AllOf(noun)) => {
            let is_of = |key: &&str| key.split_once('.').is_some_and(|(of, _)| of == noun);
            Action::ALL.iter().map(|action| action.key()).filter(is_of).map(str::to_owned).collect()
        }
        Value::Country(country) => vec![country.clone()],
        Value::Outcome(outcome) => vec![outcome.key().to_owned()],
        Value::Ip(_) | Value::Created(_) => Vec::new(), // they are no lists of texts
    })
}

/// Returns what the text of a qualifier names.
fn kind(qualifier: Qualifier) -> Kind {
    match qualifier {
        Qualifier::Organization => Kind::Thing(store::Thing::Organization),
        Qualifier::Portfolio => Kind::Thing(store::Thing::Portfolio),
        Qualifier::Plant => Kind::Thing(store::Thing::Plant),
        Qualifier::Device => Kind::Thing(store::Thing::Device),
        Qualifier::Session => Kind::Session,
        Qualifier::Token => Kind::Token,
        _ => Kind::Person,
    }
}

fn compared(qualifier: Qualifier) -> Compared {
    match qualifier {
        Qualifier::Actor => Compared::Column("actor_id"),
        Qualifier::Subject => Compared::Column("subject_id"),
        Qualifier::Action => Compared::Column("action"),
        Qualifier::Organization => Compared::Column("organization_id"),
        Qualifier::Portfolio => Compared::Column("portfolio_id"),
        Qualifier::Plant => Compared::Column("plant_id"),
        Qualifier::Device => Compared::Column("device_id"),
        Qualifier::Outcome => Compared::Column("outcome"),
        Qualifier::Session => Compared::Column("session_id"),
        Qualifier::Token => Compared::Column("token_id"),
        Qualifier::Country => Compared::Personal("country"),
        Qualifier::Ip => Compared::Personal("ip"),
        Qualifier::Created => Compared::Column("id"), // a period is a range of ids
    }
}

/// Returns the walks that have every event with one of these values. `None` without an index, or for too many values.
async fn plan(db: &mut impl Connection, qualifier: Qualifier, values: &[String]) -> sqlx::Result<Option<Plan>> {
    let of = |values: &[String], rank: u8, walk: fn(String) -> Walk| Plan { walks: values.iter().cloned().map(walk).collect(), rank };
    let plan = match qualifier {
        Qualifier::Session | Qualifier::Token => of(values, 0, Walk::Credential),
        Qualifier::Plant => of(values, 1, Walk::Plant),
        Qualifier::Device => of(&containers(db, store::Thing::Device, values).await?, 1, Walk::Plant),
        Qualifier::Actor => of(values, 3, Walk::Actor),
        Qualifier::Subject => of(values, 3, Walk::Subject),
        Qualifier::Organization => of(values, 4, Walk::Organization),
        Qualifier::Portfolio => of(&containers(db, store::Thing::Portfolio, values).await?, 4, Walk::Organization),
        Qualifier::Action => of(values, 6, Walk::Action),
        Qualifier::Country => of(values, 8, Walk::Country),
        Qualifier::Ip | Qualifier::Outcome | Qualifier::Created => return Ok(None),
    };
    Ok(Some(plan).filter(|plan| (1..=MAX_WALKS).contains(&plan.walks.len())))
}

/// Returns what contains all of these, each once. Empty if one of them is gone, so that its events are not found there.
async fn containers(db: &mut impl Connection, thing: store::Thing, ids: &[String]) -> sqlx::Result<Vec<String>> {
    let mut containers = store::list_containers(db, thing, ids).await?;
    if containers.len() < ids.len() {
        return Ok(Vec::new());
    }
    containers.sort_unstable();
    containers.dedup();
    Ok(containers)
}

/// Adds addresses. SQL compares whole ones; networks are compared when an entry was read.
fn add_networks(search: &mut Search, is_negated: bool, values: &[&Value]) {
    let network = |value: &&Value| if let Value::Ip(network) = value { Some(*network) } else { None };
    let networks: Vec<IpNetwork> = values.iter().filter_map(network).collect();
    if !networks.iter().all(IpNetwork::is_single) {
        search.networks.push(NetworkCondition { is_negated, networks });
        return;
    }
    let values: Vec<String> = networks.iter().map(ToString::to_string).collect();
    if !is_negated {
        search.plans.push(Plan { walks: values.iter().cloned().map(Walk::Ip).collect(), rank: 2 });
    }
    search.conditions.push(Condition { subject: Compared::Personal("ip"), is_negated, values });
}

/// Adds a word: part of the name of a person, plant or device. Returns a sentence if it means nothing.
async fn add_word(db: &mut impl Connection, view: View<'_>, search: &mut Search, word: &str) -> Result<Option<String>, AppError> {
    let people = names::find(db, view, Kind::Person, word).await?;
    let plants = names::find(db, view, Kind::Thing(store::Thing::Plant), word).await?;
    let devices = names::find(db, view, Kind::Thing(store::Thing::Device), word).await?;
    if people.is_empty() && plants.is_empty() && devices.is_empty() {
        return Ok(Some(format!("No person, plant or device that you know here is called “{word}”.")));
    }
    let of_devices = containers(db, store::Thing::Device, &devices).await?;
    let mut walks: Vec<Walk> = people.iter().flat_map(|id| [Walk::Actor(id.clone()), Walk::Subject(id.clone())]).collect();
    walks.extend(plants.iter().chain(of_devices.iter().filter(|plant| !plants.contains(plant))).cloned().map(Walk::Plant));
    let has_all = devices.is_empty() || !of_devices.is_empty();
    if has_all && walks.len() <= MAX_WALKS {
        search.plans.push(Plan { walks, rank: 4 });
    }
    let values = people.into_iter().chain(plants).chain(devices).collect();
    search.conditions.push(Condition { subject: Compared::AnyName, is_negated: false, values });
    Ok(None)
}

/// Says that a value means nothing here.
fn nothing_in_words(qualifier: Qualifier, value: &str) -> String {
    let what = match qualifier {
        Qualifier::Actor | Qualifier::Subject => return format!("Nobody that you know here is called “{value}”."),
        Qualifier::Action => return format!("There is no action “{value}”."),
        Qualifier::Session => "session of yours",
        Qualifier::Token => "API token of yours",
        Qualifier::Organization => "organization that you see",
        Qualifier::Portfolio => "portfolio that you see",
        Qualifier::Plant => "plant that you see",
        Qualifier::Device => "device that you see",
        Qualifier::Ip | Qualifier::Country | Qualifier::Outcome | Qualifier::Created => "event",
    };
    format!("No {what} is called “{value}”.")
}

/// Returns whether a name contains a text, and whether it is the whole name.
pub fn compare_names(name: &str, text: &str) -> Option<bool> {
    let (name, text) = (normalize_name(name), normalize_name(text));
    name.contains(&text).then(|| name == text)
}
