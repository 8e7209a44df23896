//! Decisions, lists and a model agree, on both databases.

pub mod world;

use std::{
    collections::{BTreeSet, HashSet},
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use proptest::{
    strategy::Strategy,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use whereabouts::{
    access::{Credential, Group, Principal},
    accounts::actions as accounts,
    error::AppError,
    execute,
    foundation::{
        client::{headers::UserAgentHeaders, info::ClientInfo},
        db::{Connection, Tx},
        ids::{DeviceId, PlantId, SessionId, UserId},
        services::Services,
    },
    permissions::{
        authorize,
        decide::{Action, Facts, GrantedRole, decide},
        model::{OrganizationRole, Role},
        store::{self, KnownScope},
    },
    plants::{
        model::{Device, Plant, PlantKind, normalize_name},
        visible::{self, Filter, Page, Position},
    },
};
use world::{ORGANIZATIONS, PEOPLE, Place, World};

use crate::support::TestApp;

/// A transaction with a world that is rolled back at the end.
struct Case<'a> {
    app: &'a TestApp,
    people: &'a [UserId; PEOPLE],
    tx: Tx,
    world: World,
}

/// The usernames of the people.
const NAMES: [&str; PEOPLE] = ["alice", "bob", "carla"];

/// What a person may do with a plant.
type Right = (usize, usize, Action);

async fn add_people(app: &TestApp) -> [UserId; PEOPLE] {
    let mut people = Vec::new();
    for name in NAMES {
        app.add_user(name).await;
        people.push(accounts::find(&app.services.db, name).await.unwrap().account.id);
    }
    people.try_into().unwrap()
}

/// Runs a check with random values, the same ones each time. `PROPTEST_CASES=2560` runs ten times as many as usual. A failure is shrunk.
pub async fn for_random<S: Strategy>(app: &TestApp, strategy: S, check: impl AsyncFn(&TestApp, &[UserId; PEOPLE], S::Value)) {
    let people = add_people(app).await;
    let config = Config { cases: Config::default().cases / 8, failure_persistence: None, max_shrink_iters: 4_096, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let runtime = tokio::runtime::Handle::current();
    let result = tokio::task::block_in_place(|| {
        runner.run(&strategy, |value| {
            runtime.block_on(check(app, &people, value));
            Ok(())
        })
    });
    result.unwrap();
}

impl<'a> Case<'a> {
    async fn begin(app: &'a TestApp, people: &'a [UserId; PEOPLE], world: World) -> Self {
        let mut tx = app.services.db.write().await.unwrap();
        world.insert(&mut tx, people, app.now()).await;
        Self { app, people, tx, world }
    }

    /// Returns the facts about a person and a place, which exists.
    async fn facts(&mut self, person: usize, group: Option<Group>, place: Place) -> Facts {
        let now = self.app.now();
        let known = store::find_facts(&mut self.tx, &self.people[person], group, &place.scope(), now).await.unwrap();
        known.unwrap().facts
    }

    /// Returns everything that anybody may do with any plant.
    async fn rights(&mut self, group: Option<Group>) -> HashSet<Right> {
        let mut rights = HashSet::new();
        for (person, plant) in self.pairs() {
            let facts = self.facts(person, group, Place::Plant(plant)).await;
            let allowed = Action::ALL.into_iter().filter(|action| decide(&facts, *action, self.app.now()).is_allowed());
            rights.extend(allowed.map(|action| (person, plant, action)));
        }
        rights
    }

    fn pairs(&self) -> Vec<(usize, usize)> {
        (0..PEOPLE).flat_map(|person| (0..self.world.plants.len()).map(move |plant| (person, plant))).collect()
    }

    /// Checks that facts and knowledge about all places are those of the model.
    async fn check_facts(&mut self) {
        for person in 0..PEOPLE {
            for place in self.world.places().collect::<Vec<_>>() {
                let facts = self.facts(person, None, place).await;
                let (world, organization) = (&self.world, self.world.organization_of(place));
                let found: Vec<_> = facts.grants.iter().map(|granted| granted.grant.clone()).collect();
                let expected: BTreeSet<_> = world.grants_on(person, place).into_iter().map(world::grant_id).collect();
                assert_eq!(found.len(), expected.len(), "duplicates");
                assert_eq!(BTreeSet::from_iter(found), expected, "{person} {place:?}");
                for granted in &facts.grants {
                    assert_eq!(granted.role, world.grants[world.number_of(granted)].role);
                }
                assert_eq!(facts.membership, world.members.get(&(person, organization)).copied());
                assert_eq!(facts.is_vendor, world.vendor_people.contains(&(person, organization)));
                assert_eq!(facts.is_closed, matches!(place, Place::Plant(plant) if world.plants[plant].is_closed));
                let known = authorize::find_known(&mut self.tx, &self.app.services, &principal(&self.people[person]), &place.scope()).await;
                let expected = if self.world.knows(person, place) { None } else { Some(AppError::NotFound) };
                assert_eq!(known.err(), expected, "{person} {place:?}");
            }
        }
    }

    /// Checks that the lists of everybody are what the decisions and the model say.
    async fn check_lists(&mut self, filter: &AnyFilter) {
        for person in 0..PEOPLE {
            let visible: Vec<usize> = (0..self.world.plants.len()).filter(|plant| self.world.sees(person, *plant)).collect();
            for plant in 0..self.world.plants.len() {
                let facts = self.facts(person, None, Place::Plant(plant)).await;
                assert_eq!(decide(&facts, Action::See, self.app.now()).is_allowed(), visible.contains(&plant), "{person} {plant}");
            }
            self.check_plants(person, &AnyFilter::default(), &visible).await;
            self.check_devices(person, &AnyFilter::default(), &visible).await;
            self.check_plants(person, filter, &visible).await;
            self.check_devices(person, filter, &visible).await;
        }
    }

    async fn check_plants(&mut self, person: usize, filter: &AnyFilter, visible: &[usize]) {
        let all = self.plants(person, filter, 1_000).await;
        let expected: BTreeSet<PlantId> =
            visible.iter().filter(|plant| filter.has_plant(&self.world, **plant)).map(|plant| world::plant_id(*plant)).collect();
        let ids = |plants: &[Plant]| plants.iter().map(|plant| plant.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&all).len(), expected.len(), "duplicates");
        assert_eq!(BTreeSet::from_iter(ids(&all)), expected, "{person} {filter:?}");
        for limit in [1, 2, 5] {
            assert_eq!(ids(&self.plants(person, filter, limit).await), ids(&all), "{person} {filter:?}: pages of {limit}");
        }
        for plant in &all {
            self.check_row(person, plant);
        }
    }

    /// Checks what a row of the list shows.
    fn check_row(&self, person: usize, row: &Plant) {
        let number = (0..self.world.plants.len()).find(|number| world::plant_id(*number) == row.id).unwrap();
        let plant = &self.world.plants[number];
        assert_eq!((&row.name, row.kind, &row.portfolio), (&plant.name, plant.kind, &world::portfolio_id(plant.portfolio)));
        assert_eq!(row.devices, self.world.devices.iter().filter(|of| **of == number).count() as i64);
        assert_eq!(BTreeSet::from_iter(row.your_roles.iter().copied()), self.world.roles(person, number), "{person} {number}");
        let by = row.remote_access.by.as_ref().map(|by| by.username.as_str());
        assert_eq!((row.remote_access.closed, by), (plant.is_closed, plant.is_closed.then_some("alice")));
    }

    async fn check_devices(&mut self, person: usize, filter: &AnyFilter, visible: &[usize]) {
        let all = self.devices(person, filter, 1_000).await;
        let has = |(number, plant): &(usize, &usize)| visible.contains(plant) && filter.has_device(&self.world, *number);
        let expected: BTreeSet<DeviceId> =
            self.world.devices.iter().enumerate().filter(has).map(|(number, _)| world::device_id(number)).collect();
        let ids = |devices: &[Device]| devices.iter().map(|device| device.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&all).len(), expected.len(), "duplicates");
        assert_eq!(BTreeSet::from_iter(ids(&all)), expected, "{person} {filter:?}");
        for limit in [1, 3] {
            assert_eq!(ids(&self.devices(person, filter, limit).await), ids(&all), "{person} {filter:?}: pages of {limit}");
        }
        for device in &all {
            let plant = (0..self.world.plants.len()).find(|number| world::plant_id(*number) == device.plant).unwrap();
            assert_eq!(device.portfolio, world::portfolio_id(self.world.plants[plant].portfolio));
        }
    }

    /// Returns the whole list of plants, read in pages.
    async fn plants(&mut self, person: usize, filter: &AnyFilter, limit: i64) -> Vec<Plant> {
        let (user, now, filter) = (&self.people[person], self.app.now(), filter.filter(&self.world));
        let (mut rows, mut next) = (Vec::new(), Some(Position::default()));
        while let Some(after) = next {
            let page = visible::list_plants(&mut self.tx, user, &filter, after, limit, now).await.unwrap();
            next = collect(&mut rows, page, limit);
        }
        rows
    }

    /// Returns the whole list of devices, read in pages.
    async fn devices(&mut self, person: usize, filter: &AnyFilter, limit: i64) -> Vec<Device> {
        let (user, now, filter) = (&self.people[person], self.app.now(), filter.filter(&self.world));
        let (mut rows, mut next) = (Vec::new(), Some(Position::default()));
        while let Some(after) = next {
            let page = visible::list_devices(&mut self.tx, user, &filter, after, limit, now).await.unwrap();
            next = collect(&mut rows, page, limit);
        }
        rows
    }
}

/// Adds a page to the rows. Every page but the last is full, and the last is not empty unless it is the only one.
fn collect<T>(rows: &mut Vec<T>, page: Page<T>, limit: i64) -> Option<Position> {
    let count = page.rows.len() as i64;
    assert!(if page.next.is_some() { count == limit } else { count <= limit && (count > 0 || rows.is_empty()) }, "{count} of {limit}");
    rows.extend(page.rows);
    page.next
}

/// A session of this user.
fn principal(user: &UserId) -> Principal {
    let name = || "somebody".to_owned();
    let account = whereabouts::accounts::model::Account {
        id: user.clone(),
        username: name(),
        email: name(),
        name: name(),
        time_zone: "UTC".to_owned(),
        is_admin: false,
    };
    let client_info = ClientInfo::new(Ipv4Addr::LOCALHOST.into(), UserAgentHeaders::default());
    let session: SessionId = user.to_string().parse().unwrap();
    Principal { account, credential: Credential::Session(session), reauthenticated_at: None, client_info }
}

/// A filter of a list. Numbers are taken modulo how many there are.
#[derive(Debug, Clone, Default)]
struct AnyFilter {
    organization: Option<usize>,
    portfolio: Option<usize>,
    plant: Option<usize>,
    kind: Option<PlantKind>,
    search: Option<&'static str>,
}

proptest::prop_compose! {
    fn filters()(
        organization in proptest::option::weighted(0.3, 0..ORGANIZATIONS),
        portfolio in proptest::option::weighted(0.2, 0..64_usize),
        plant in proptest::option::weighted(0.2, 0..64_usize),
        kind in proptest::option::weighted(0.3, proptest::sample::select(&PlantKind::ALL[..])),
        search in proptest::option::of(proptest::sample::select(vec!["", " ", "SÜD", "park", "%", "_", "!", "straße", "d1", "d 2", "1.example"])),
    ) -> AnyFilter {
        AnyFilter { organization, portfolio, plant, kind, search }
    }
}

impl AnyFilter {
    fn portfolio(&self, world: &World) -> Option<usize> {
        self.portfolio.map(|number| number % world.portfolios.len())
    }

    fn plant(&self, world: &World) -> Option<usize> {
        self.plant.filter(|_| !world.plants.is_empty()).map(|number| number % world.plants.len())
    }

    fn filter(&self, world: &World) -> Filter {
        Filter {
            organization: self.organization.map(world::organization_id),
            portfolio: self.portfolio(world).map(world::portfolio_id),
            plant: self.plant(world).map(world::plant_id),
            kind: self.kind,
            search: self.search.map(str::to_owned),
        }
    }

    fn is_in_scope(&self, world: &World, plant: usize) -> bool {
        let is_in_organization = self.organization.is_none_or(|number| number == world.organization_of(Place::Plant(plant)));
        is_in_organization && self.portfolio(world).is_none_or(|number| number == world.plants[plant].portfolio)
    }

    fn is_found(&self, text: &str) -> bool {
        self.search.is_none_or(|search| normalize_name(text).contains(&normalize_name(search)))
    }

    fn is_device_found(&self, device: usize) -> bool {
        self.is_found(&format!("D {device}")) || self.is_found(&world::device_host(device))
    }

    fn has_plant(&self, world: &World, plant: usize) -> bool {
        let mut devices = world.devices.iter().enumerate().filter(|(_, of)| **of == plant);
        let is_found = self.is_found(&world.plants[plant].name) || devices.any(|(device, _)| self.is_device_found(device));
        self.is_in_scope(world, plant) && self.kind.is_none_or(|kind| kind == world.plants[plant].kind) && is_found
    }

    fn has_device(&self, world: &World, device: usize) -> bool {
        let plant = world.devices[device];
        self.is_in_scope(world, plant) && self.plant(world).is_none_or(|number| number == plant) && self.is_device_found(device)
    }
}

both!(
    /// AUT-1: what a list shows, what is decided about each plant, and what the model says are the same.
    lists_and_decisions_agree, |app| {
        for_random(&app, (world::worlds(), filters()), async |app, people, (world, filter)| {
            let mut case = Case::begin(app, people, world).await;
            case.check_facts().await;
            case.check_lists(&filter).await;
        }).await;
    }
);

both!(
    /// AUT-4: an additional grant takes nothing from anybody, and gives nothing to anybody else.
    a_grant_only_adds, |app| {
        for_random(&app, world::worlds_with_grant(), async |app, people, (world, grant)| {
            let mut case = Case::begin(app, people, world).await;
            let before = case.rights(None).await;
            let count = case.world.grants.len();
            if case.world.add_grant(grant) {
                case.world.insert_grants(&mut case.tx, people, count, app.now()).await.unwrap();
            }
            let after = case.rights(None).await;
            assert!(before.is_subset(&after));
            let added = case.world.grants.get(count);
            for (person, plant, _) in after.difference(&before) {
                let grant = added.unwrap();
                assert!(grant.is_active() && grant.person == *person);
                assert!(case.world.with_ancestors(Place::Plant(*plant)).contains(&grant.place));
            }
            case.check_lists(&AnyFilter::default()).await;
        }).await;
    }
);

both!(
    /// AUT-3: a plant that moves loses what it inherited from its portfolio, inherits from the new one, and keeps everything else. Its
    /// devices go with it.
    a_move_changes_what_a_plant_inherits, |app| {
        for_random(&app, world::worlds_with_moves(), async |app, people, (world, moves)| {
            let mut case = Case::begin(app, people, world).await;
            for (plant, portfolio) in moves {
                case.check_move(plant, portfolio).await;
            }
        }).await;
    }
);

impl Case<'_> {
    /// Moves a plant to a portfolio of its organization, and checks what this changes.
    async fn check_move(&mut self, plant: usize, portfolio: usize) {
        let Some(plant) = plant.checked_rem(self.world.plants.len()) else { return };
        let organization = self.world.organization_of(Place::Plant(plant));
        let siblings: Vec<usize> =
            (0..self.world.portfolios.len()).filter(|number| self.world.portfolios[*number] == organization).collect();
        let (from, to) = (self.world.plants[plant].portfolio, siblings[portfolio % siblings.len()]);
        let before = self.rights(None).await;
        let mut grants_before = Vec::new();
        for person in 0..PEOPLE {
            grants_before.push(self.facts(person, None, Place::Plant(plant)).await.grants);
        }

        let sql = "UPDATE plants SET portfolio_id = $2 WHERE id = $1";
        execute!(&mut self.tx, sql, world::plant_id(plant), world::portfolio_id(to)).unwrap();
        self.world.plants[plant].portfolio = to;

        let after = self.rights(None).await;
        let of_others = |rights: &HashSet<Right>| rights.iter().filter(|(_, of, _)| *of != plant).copied().collect::<HashSet<_>>();
        assert_eq!(of_others(&before), of_others(&after));
        for (person, mut expected) in grants_before.into_iter().enumerate() {
            let of_target = self.facts(person, None, Place::Portfolio(to)).await.grants;
            let is_on =
                |granted: &GrantedRole, portfolio| self.world.grants[self.world.number_of(granted)].place == Place::Portfolio(portfolio);
            expected.retain(|granted| !is_on(granted, from));
            expected.extend(of_target.into_iter().filter(|granted| is_on(granted, to)));
            expected.sort_by(|a, b| a.grant.cmp(&b.grant));
            let found = self.facts(person, None, Place::Plant(plant)).await.grants;
            assert_eq!(found, expected, "{person} {plant}");
        }
        self.check_lists(&AnyFilter::default()).await;
    }
}

both!(
    /// API-2: an API token can do nothing that its owner cannot, and never administers.
    tokens_only_narrow, |app| {
        for_random(&app, world::worlds(), async |app, people, world| {
            let mut case = Case::begin(app, people, world).await;
            let own = case.rights(None).await;
            let is_administration = |action: Action| matches!(action, Action::Administer | Action::AdministerOwners);
            for group in Group::ALL {
                let rights = case.rights(Some(group)).await;
                assert!(rights.is_subset(&own), "{group:?}");
                assert!(!rights.iter().any(|(.., action)| is_administration(*action)), "{group:?}");
            }
            let full = own.iter().filter(|(.., action)| !is_administration(*action)).copied().collect::<HashSet<_>>();
            assert_eq!(case.rights(Some(Group::Full)).await, full);
        }).await;
    }
);

/// Where a role at one place reaches: "role" means that it applies there, "known" that the place may be known of, and nothing that it
/// does not exist for the person. Plant 1 is in Portfolio 1 of Organization 1, beside its sibling; the cousin is in Portfolio 2.
const REACH: &str = "
    role on        | Organization 1 | Portfolio 1 | Portfolio 2 | Plant 1 | sibling | cousin | Organization 2 | Portfolio 3 | foreign plant
    Organization 1 | role           | role        | role        | role    | role    | role   |                |             |
    Portfolio 1    | known          | role        |             | role    | role    |        |                |             |
    Plant 1        | known          | known       |             | role    |         |        |                |             |
    Organization 2 |                |             |             |         |         |        | role           | role        | role
";

/// The places of [`REACH`].
const PLACES: [(&str, Place); 9] = [
    ("Organization 1", Place::Organization(0)),
    ("Portfolio 1", Place::Portfolio(0)),
    ("Portfolio 2", Place::Portfolio(1)),
    ("Plant 1", Place::Plant(0)),
    ("sibling", Place::Plant(1)),
    ("cousin", Place::Plant(2)),
    ("Organization 2", Place::Organization(1)),
    ("Portfolio 3", Place::Portfolio(2)),
    ("foreign plant", Place::Plant(3)),
];

/// Returns the world of [`REACH`] without anybody.
fn reach_world() -> World {
    let plant = |(number, portfolio)| world::Plant { portfolio, name: format!("{number}"), kind: PlantKind::Wind, is_closed: false };
    World {
        portfolios: vec![0, 0, 1],
        plants: [0, 0, 1, 2].into_iter().enumerate().map(plant).collect(),
        devices: Vec::new(),
        grants: Vec::new(),
        members: Default::default(),
        vendor_people: Default::default(),
    }
}

/// Returns the rows of [`REACH`]: a place, and what the table says about each place.
fn reach() -> Vec<(Place, Vec<(Place, &'static str)>)> {
    let place = |name: &str| PLACES.iter().find(|(known, _)| *known == name).unwrap().1;
    let mut lines = REACH.trim().lines().map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    let header: Vec<Place> = lines.next().unwrap()[1..].iter().map(|name| place(name)).collect();
    lines.map(|cells| (place(cells[0]), header.iter().copied().zip(cells[1..].iter().copied()).collect())).collect()
}

impl Case<'_> {
    /// Checks every action of the first person at every place of a row of [`REACH`].
    async fn check_reach(&mut self, row: &[(Place, &str)]) {
        for (place, reach) in row {
            let here = self.facts(0, None, *place).await;
            for action in Action::ALL {
                let answer =
                    authorize::require(&mut self.tx, &self.app.services, &principal(&self.people[0]), &place.scope(), action).await;
                let is_allowed = decide(&here, action, self.app.now()).is_allowed();
                let expected = match *reach {
                    "role" if is_allowed => None,
                    "role" | "known" => Some(AppError::NotInRole),
                    _ => Some(AppError::NotFound),
                };
                assert_eq!(answer.err(), expected, "{action:?} at {place:?}: {:?}", self.world);
                assert!(!is_allowed || *reach == "role", "{action:?} at {place:?}: {:?}", self.world);
            }
            assert_eq!(here.grants.is_empty() && here.membership.is_none(), *reach != "role", "{place:?}: {:?}", self.world);
        }
    }
}

both!(
    /// AUT-2, AUT-3: a role applies where it was given and below, never beside it or above it, whatever it is and whoever has it.
    roles_reach_down_and_nowhere_else, |app| {
        let people = add_people(&app).await;
        for (place, row) in reach() {
            for (role, is_vendor) in Role::ALL.into_iter().flat_map(|role| [(role, false), (role, true)]) {
                let mut world = reach_world();
                world.grants.push(world::Grant { person: 0, place, role, ends_in: Some(60) });
                world.vendor_people.extend(is_vendor.then_some((0, world.organization_of(place))));
                Case::begin(&app, &people, world).await.check_reach(&row).await;
            }
            let Place::Organization(organization) = place else { continue };
            for role in [OrganizationRole::Administrator, OrganizationRole::Owner] {
                let mut world = reach_world();
                world.members.insert((0, organization), role);
                Case::begin(&app, &people, world).await.check_reach(&row).await;
            }
        }
    }
);

/// Returns what is known about everybody at every place.
async fn all_known(db: &mut impl Connection, app: &TestApp, people: &[UserId; PEOPLE]) -> Vec<KnownScope> {
    let mut all = Vec::new();
    for (person, (_, place)) in people.iter().flat_map(|person| PLACES.iter().map(move |place| (person, place))) {
        all.push(store::find_facts(db, person, None, &place.scope(), app.now()).await.unwrap().unwrap());
    }
    all
}

both!(
    /// On SQLite, facts are read in another way outside a transaction.
    facts_are_the_same_outside_a_transaction, |app| {
        let people = add_people(&app).await;
        let mut world = reach_world();
        world.plants[0].is_closed = true;
        world.members.insert((1, 0), OrganizationRole::Owner);
        world.vendor_people.insert((2, 0));
        world.grants.extend(PLACES.iter().enumerate().map(|(number, (_, place))| {
            let (role, ends_in) = (Role::ALL[number % Role::ALL.len()], (number % 2 == 0).then_some(60));
            world::Grant { person: number % PEOPLE, place: *place, role, ends_in }
        }));
        let mut case = Case::begin(&app, &people, world).await;
        let inside = all_known(&mut case.tx, &app, &people).await;
        case.tx.commit().await.unwrap();
        assert_eq!(all_known(&mut app.services.db.read().await.unwrap(), &app, &people).await, inside);
    }
);

/// Changes of one grant, which exists after an even number of them.
#[derive(Default)]
struct Changes {
    begun: AtomicUsize,
    committed: AtomicUsize,
}

/// Changes of a grant while others decide by it.
const CHANGES: usize = 500;

/// Returns whether a new request of this person may see the first plant.
async fn may_see(services: &Services, person: &UserId) -> bool {
    let mut db = services.db.read().await.unwrap();
    match authorize::require(&mut db, services, &principal(person), &Place::Plant(0).scope(), Action::See).await {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error, AppError::NotFound);
            false
        }
    }
}

/// Decides again and again until the last change. A decision between two changes has only one right answer.
async fn decide_meanwhile(services: Arc<Services>, person: UserId, changes: Arc<Changes>) {
    loop {
        let committed = changes.committed.load(SeqCst);
        let may_see = may_see(&services, &person).await;
        let is_certain = changes.begun.load(SeqCst) == committed;
        assert!(!is_certain || may_see == committed.is_multiple_of(2), "after {committed} changes");
        if committed == CHANGES {
            break;
        }
    }
}

both!(
    /// AUT-3: once the end of a grant is committed, the very next decision is a refusal, however many others decide at the same time.
    each_decision_sees_the_latest_commit, |app| {
        let (people, changes) = (add_people(&app).await, Arc::new(Changes::default()));
        let mut world = reach_world();
        world.grants.push(world::Grant { person: 0, place: Place::Plant(0), role: Role::Viewer, ends_in: None });
        Case::begin(&app, &people, world).await.tx.commit().await.unwrap();
        let decide = || tokio::spawn(decide_meanwhile(app.services.clone(), people[0].clone(), changes.clone()));
        let deciders: Vec<_> = (0..4).map(|_| decide()).collect();
        for change in 1..=CHANGES {
            changes.begun.store(change, SeqCst);
            let mut tx = app.services.db.write().await.unwrap();
            let end = (!change.is_multiple_of(2)).then(|| app.now());
            execute!(&mut tx, "UPDATE grants SET expires_at = $1", end).unwrap();
            tx.commit().await.unwrap();
            changes.committed.store(change, SeqCst);
            assert_eq!(may_see(&app.services, &people[0]).await, change.is_multiple_of(2), "change {change}");
        }
        for decider in deciders {
            decider.await.unwrap();
        }
    }
);
