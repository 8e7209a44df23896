//! `whereabouts demo`: three organizations with their plants and people, and what happened there in the past month.

mod access;
mod data;
mod events;
mod people;
mod plants;

use chrono::{DateTime, Datelike as _, NaiveTime, TimeDelta, TimeZone as _, Utc, Weekday};
use chrono_tz::Tz;
use clap::Args;

use crate::{
    accounts::store as accounts,
    cli::open,
    foundation::{clock::Clock, config::Storage, crypto::one_time_tokens, db::Db},
    record::Recorder,
};

/// Password of every demo user.
const PASSWORD: &str = "correct horse battery";

/// Fill an empty database with sample people, plants, devices and sessions. Does nothing if there are accounts.
#[derive(Args)]
pub struct Demo {
    #[command(flatten)]
    storage: Storage,
}

pub async fn run(Demo { storage }: Demo) -> anyhow::Result<()> {
    let (db, recorder) = open(&storage).await?;
    if !accounts::any_exists(&mut db.read().await?).await? {
        fill(&db, &recorder).await?;
    }
    println!("Sign in as one of these people. The password of everybody is: {PASSWORD}");
    for (username, role) in data::people::SIGN_IN_AS {
        println!("  {username:8}{role}");
    }
    Ok(())
}

/// Fills the database in one transaction.
async fn fill(db: &Db, recorder: &Recorder) -> anyhow::Result<()> {
    let now = Clock::System.now();
    let (hash, lookups) = (crate::foundation::crypto::hasher::hash(&PASSWORD.into()), people::Lookups::load()?);
    let mut tx = db.write().await?;
    // Once an account exists, no token may create the first administrator.
    one_time_tokens::cancel(&mut tx, one_time_tokens::Purpose::Setup, None).await?;
    let people = people::fill(&mut tx, &lookups, &hash, now).await?;
    let sites = plants::fill(&mut tx, &people, now).await?;
    let grants = access::fill(&mut tx, &people, &sites, now).await?;
    events::fill(&mut tx, &recorder.with_locations(lookups.geoip()), &people, &sites, &grants, now).await?;
    Ok(tx.commit().await?)
}

/// Returns a time of a day in the past, or of the Friday before it, in the time zone of a person.
fn at_work(now: DateTime<Utc>, days_ago: i64, hour: u32, minute: u32, zone: Tz) -> DateTime<Utc> {
    let day = now.with_timezone(&zone).date_naive() - TimeDelta::days(days_ago);
    let weekend = match day.weekday() {
        Weekday::Sat => TimeDelta::days(1),
        Weekday::Sun => TimeDelta::days(2),
        _ => TimeDelta::zero(),
    };
    let time = (day - weekend).and_time(NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or_default());
    // A clock that is set forward skips no working hours.
    zone.from_local_datetime(&time).earliest().map_or(now, |time| time.to_utc())
}
