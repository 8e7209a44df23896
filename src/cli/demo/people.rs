//! Accounts and sessions.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;

use super::data::people::{PEOPLE, SESSIONS};
use crate::{
    accounts::{known, model::Account, store as accounts},
    foundation::{
        assets::Assets,
        client::{geoip::GeoIp, headers::UserAgentHeaders, info::ClientInfo, user_agents::UserAgents},
        crypto::secret::Secret,
        db::Tx,
        ids::{SessionId, UserId},
    },
    sessions::store::{self, NewSession, SessionRow},
};

/// Age of the accounts, in days.
const ACCOUNT_AGE: i64 = 500;
/// A country counts as new for this long, in minutes.
const NEW_FOR: i64 = 24 * 60;

/// Somebody with an account.
pub struct Person {
    pub account: Account,
    pub zone: Tz,
    pub client: ClientInfo,
}

/// Everybody, by username.
pub struct People(HashMap<&'static str, Person>);

impl People {
    pub fn get(&self, username: &str) -> &Person {
        &self.0[username]
    }

    pub fn id(&self, username: &str) -> &UserId {
        &self.0[username].account.id
    }
}

/// Inserts accounts and sessions.
pub async fn fill(tx: &mut Tx, lookups: &Lookups, password_hash: &str, now: DateTime<Utc>) -> anyhow::Result<People> {
    let mut people = HashMap::new();
    for (username, name, time_zone, ip) in PEOPLE {
        let account = Account {
            id: UserId::new(now - Duration::days(ACCOUNT_AGE)),
            username: username.to_owned(),
            email: format!("{username}@example.com"),
            name: name.to_owned(),
            time_zone: time_zone.to_owned(),
            is_admin: username == "alice",
        };
        accounts::insert(tx, &account, password_hash, now - Duration::days(ACCOUNT_AGE)).await?;
        let client = ClientInfo::new(ip.parse()?, UserAgentHeaders::default());
        people.insert(username, Person { account, zone: time_zone.parse()?, client });
    }
    let people = People(people);
    for session in SESSIONS {
        lookups.insert(tx, people.id(session.0), *session, now).await?;
    }
    Ok(people)
}

pub struct Lookups {
    user_agents: UserAgents,
    geoip: Arc<GeoIp>,
}

impl Lookups {
    pub fn load() -> anyhow::Result<Self> {
        let assets = Assets::find();
        Ok(Self {
            user_agents: UserAgents::load(&assets.user_agents())?,
            geoip: Arc::new(GeoIp::load(&assets.geoip(), &assets.countries())?),
        })
    }

    /// Returns the locations of addresses.
    pub fn geoip(&self) -> Arc<GeoIp> {
        self.geoip.clone()
    }

    async fn insert(
        &self,
        tx: &mut Tx,
        user: &UserId,
        (_, user_agent, ip, signed_in, used): (&str, &str, &str, i64, i64),
        now: DateTime<Utc>,
    ) -> anyhow::Result<()> {
        let (created_at, last_active_at) = (now - Duration::minutes(signed_in), now - Duration::minutes(used));
        let location = self.geoip.locate(ip.parse::<IpAddr>()?);
        let is_new_location = known::record_location(tx, user, &location, created_at).await?.is_new_country && signed_in < NEW_FOR;
        let row = SessionRow {
            id: SessionId::new(created_at),
            sign_in_method: "Password".to_owned(),
            created_at,
            last_active_at,
            user_agent: user_agent.to_owned(),
            device: self.user_agents.describe(&UserAgentHeaders { user_agent: user_agent.to_owned(), ..UserAgentHeaders::default() }),
            first_ip: ip.to_owned(),
            ip: ip.to_owned(),
            location,
            is_new_location,
        };
        store::insert(tx, &[NewSession { user, token_hash: Secret::generate().hash(), row }]).await?;
        Ok(())
    }
}
