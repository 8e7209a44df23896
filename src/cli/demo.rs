//! `whereabouts demo`: sample users, devices and locations.

use std::net::IpAddr;

use chrono::Duration;
use clap::Args;

use crate::{
    accounts::{actions::NewAccount, known, model::Account, store as accounts},
    authentication::registration::actions as registration,
    cli::open,
    foundation::{
        assets::Assets,
        client::{geoip::GeoIp, headers::UserAgentHeaders, user_agents::UserAgents},
        clock::Clock,
        config::Storage,
        crypto::{hasher, secret::Secret},
        db::Tx,
        ids::SessionId,
    },
    sessions::store::{self, NewSession, SessionRow},
};

/// Password of every demo user.
const PASSWORD: &str = "correct horse battery";
const MINUTE: i64 = 1;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Username, user agent, IP address, and minutes since the sign-in and since the last use.
const SESSIONS: &[(&str, &str, &str, i64, i64)] = &[
    (
        "alice",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
        "2a00:23c8:7b0c:a201:7d44:5c55:3e6a:91e1",
        5 * DAY,
        2 * MINUTE,
    ),
    ("alice", "python-requests/2.32.3", "18.184.12.77", 3 * DAY, 12 * MINUTE),
    ("alice", "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", "177.92.48.10", 3 * HOUR + 5, 3 * HOUR),
    ("alice", "", "203.0.113.9", 9 * DAY, 30 * HOUR),
    ("alice", "Grafana/11.0.0", "10.20.0.4", 8 * DAY, 2 * DAY),
    ("bob", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "85.214.132.117", 2 * DAY, 20 * MINUTE),
    ("bob", "curl/8.5.0", "85.214.132.117", DAY, 5 * HOUR),
];

/// Fill an empty database with sample users, devices and locations. Does nothing if there are accounts.
#[derive(Args)]
pub struct Demo {
    #[command(flatten)]
    storage: Storage,
}

pub async fn run(Demo { storage }: Demo) -> anyhow::Result<()> {
    let db = open(&storage).await?;
    if !accounts::any_exists(&mut db.read().await?).await? {
        fill(&db).await?;
    }
    println!("Sign in as alice (an administrator) or bob; the password of both is: {PASSWORD}");
    Ok(())
}

async fn fill(db: &crate::foundation::db::Db) -> anyhow::Result<()> {
    let hash = hasher::hash(&PASSWORD.into());
    let assets = Assets::find();
    let lookups =
        Lookups { user_agents: UserAgents::load(&assets.user_agents())?, geoip: GeoIp::load(&assets.geoip(), &assets.countries())? };
    let mut added = Vec::new();
    for (username, is_admin) in [("alice", true), ("bob", false)] {
        let email = format!("{username}@example.com");
        let account = NewAccount { username: username.to_owned(), email, password: PASSWORD.into(), is_admin };
        added.push(registration::add_account(db, &Clock::System, account, &hash).await?);
    }
    let mut tx = db.write().await?;
    for session in SESSIONS {
        let account = added.iter().find(|account| account.username == session.0).expect("all users were added above");
        lookups.insert(&mut tx, account, *session).await?;
    }
    tx.commit().await?;
    Ok(())
}

struct Lookups {
    user_agents: UserAgents,
    geoip: GeoIp,
}

impl Lookups {
    async fn insert(&self, tx: &mut Tx, account: &Account, session: (&str, &str, &str, i64, i64)) -> anyhow::Result<()> {
        let (_, user_agent, ip, signed_in, used) = session;
        let now = Clock::System.now();
        let (created_at, last_active_at) = (now - Duration::minutes(signed_in), now - Duration::minutes(used));
        let location = self.geoip.locate(ip.parse::<IpAddr>()?);
        let is_new_location = known::record_location(tx, &account.id, &location, created_at).await?.is_new_country && signed_in < DAY;
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
        store::insert(tx, &[NewSession { user: &account.id, token_hash: Secret::generate().hash(), row }]).await?;
        Ok(())
    }
}
