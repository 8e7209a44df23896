//! Sends what waits in the outbox: each mail once, unless it cannot be known whether it was (then again, under the same id).

use std::{sync::Arc, time::Duration as StdDuration};

use chrono::{DateTime, Duration, Utc};

use crate::{
    audit::{self, Action, Event, Outcome},
    foundation::services::Services,
    mail::{
        Transport,
        letter::Mail,
        store::{self, Waiting},
    },
};

/// How often the outbox is looked at when nobody says that something is in it: other nodes write to it too.
const PERIOD: StdDuration = StdDuration::from_secs(5);
/// Whoever takes a mail has this long to send it, before another node tries.
const LEASE: Duration = Duration::minutes(2);
/// How long a mail server may take to accept the mail that is being sent when the server stops. A mail cut off then is sent again
/// once its lease is over.
const SENDING_AFTER_STOP: StdDuration = StdDuration::from_millis(500);
const FIRST_PAUSE: Duration = Duration::seconds(10);
const LONGEST_PAUSE: Duration = Duration::hours(1);
/// A mail that could not be sent for so long is given up, on record; one whose link expires sooner, sooner.
const GIVEN_UP_AFTER: Duration = Duration::days(2);

/// Sends until the server stops.
pub async fn run(services: Arc<Services>, transport: Arc<Transport>) {
    loop {
        if let Err(error) = send_due(&services, &transport).await {
            tracing::warn!(%error, "the outbox could not be read; it is tried again");
        }
        tokio::select! {
            () = services.post.notified() => {}
            () = tokio::time::sleep(PERIOD) => {}
            () = services.stopped() => return,
        }
    }
}

/// Sends what is due until the server stops, each mail once; where several nodes do, each takes its own.
pub async fn send_due(services: &Services, transport: &Transport) -> sqlx::Result<()> {
    while !services.is_stopping() {
        let now = services.clock.now();
        let mut tx = services.db.write().await?;
        let taken = store::take(&mut tx, now, now + LEASE).await?;
        tx.commit().await?;
        match taken {
            Some(waiting) => send(services, transport, waiting).await?,
            None => break,
        }
    }
    Ok(())
}

async fn send(services: &Services, transport: &Transport, waiting: Waiting) -> sqlx::Result<()> {
    if is_expired(&waiting, services.clock.now()) {
        return give_up(services, &waiting).await;
    }
    let sent = tokio::select! {
        sent = deliver(services, transport, &waiting) => sent,
        () = async { services.stopped().await; tokio::time::sleep(SENDING_AFTER_STOP).await } => return Ok(()),
    };
    let now = services.clock.now();
    match sent {
        Ok(()) => {
            let mut tx = services.db.write().await?;
            store::sent(&mut tx, &waiting.id, now).await?;
            tx.commit().await
        }
        Err(_) if now - waiting.created_at >= GIVEN_UP_AFTER || is_expired(&waiting, now) => give_up(services, &waiting).await,
        Err(error) => {
            tracing::warn!(error = format!("{error:#}"), kind = ?waiting.kind, tries = waiting.tries, "a mail could not be sent yet");
            let mut tx = services.db.write().await?;
            store::try_again(&mut tx, &waiting.id, now + pause(waiting.tries)).await?;
            tx.commit().await
        }
    }
}

/// Whether the link that it carries has expired.
fn is_expired(waiting: &Waiting, now: DateTime<Utc>) -> bool {
    waiting.expires_at.is_some_and(|expires_at| expires_at <= now)
}

async fn give_up(services: &Services, waiting: &Waiting) -> sqlx::Result<()> {
    let mut tx = services.db.write().await?;
    store::give_up(&mut tx, &waiting.id).await?;
    audit::record(&mut tx, &services.clock, given_up(waiting)).await?;
    tx.commit().await
}

async fn deliver(services: &Services, transport: &Transport, waiting: &Waiting) -> anyhow::Result<()> {
    let mail = open(services, waiting)?;
    transport.send(&waiting.id, &mail).await
}

fn open(services: &Services, waiting: &Waiting) -> anyhow::Result<Mail> {
    let text = services.seal.unseal(&waiting.id.to_string(), &waiting.sealed)?;
    Ok(serde_json::from_str(&text)?)
}

/// 10, 20, 40 … seconds, and an hour at most.
fn pause(tries: i64) -> Duration {
    match tries {
        ..=1 => FIRST_PAUSE,
        2..=9 => (FIRST_PAUSE * (1 << (tries - 1))).min(LONGEST_PAUSE),
        _ => LONGEST_PAUSE,
    }
}

fn given_up(waiting: &Waiting) -> Event<'_> {
    Event {
        action: Action::MailGivenUp,
        outcome: Outcome::Refused,
        actor: None,
        session: None,
        token: None,
        subject: waiting.user_id.as_ref(),
        ip: None,
        detail: serde_json::json!({ "kind": format!("{:?}", waiting.kind), "tries": waiting.tries }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_an_hour() {
        let pauses = [0, 1, 2, 3, 9, 10, 1000].map(|tries| pause(tries).num_seconds());
        assert_eq!(pauses, [10, 10, 20, 40, 2560, 3600, 3600]);
    }
}
