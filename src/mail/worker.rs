//! Sends the mails in the outbox: each mail once, or again with the same id if it is unknown whether it was sent.

use std::{sync::Arc, time::Duration as StdDuration};

use chrono::{DateTime, Duration, Utc};

use crate::{
    foundation::services::Services,
    mail::{
        Transport,
        content::Mail,
        store::{self, QueuedMail},
    },
    record::{Action, Event, Outcome},
};

/// How often the outbox is polled without a notification, because other nodes write to it too.
const POLL_INTERVAL: StdDuration = StdDuration::from_secs(5);
/// How long a node has to send a mail before another node may claim it.
const LEASE: Duration = Duration::minutes(2);
/// Grace period during shutdown for the mail that is being sent. A mail that is interrupted is sent again when its lease expires.
const SHUTDOWN_GRACE_PERIOD: StdDuration = StdDuration::from_millis(500);
const FIRST_RETRY_DELAY: Duration = Duration::seconds(10);
const MAX_RETRY_DELAY: Duration = Duration::hours(1);
/// A mail is given up, with an audit event, after this long without success, or when its link expires.
const GIVE_UP_AFTER: Duration = Duration::days(2);

/// Sends mails until the server stops.
pub async fn run(services: Arc<Services>, transport: Arc<Transport>) {
    loop {
        if let Err(error) = send_due(&services, &transport).await {
            tracing::warn!(%error, "the outbox could not be read; trying again");
        }
        tokio::select! {
            () = services.mail_wakeup.notified() => {}
            () = tokio::time::sleep(POLL_INTERVAL) => {}
            () = services.stopped() => return,
        }
    }
}

/// Sends all due mails, or until the server stops. Several nodes can do so concurrently: each claims its own mails.
pub async fn send_due(services: &Services, transport: &Transport) -> sqlx::Result<()> {
    while !services.is_stopping() {
        let now = services.clock.now();
        let mut tx = services.db.write().await?;
        let claimed = store::claim_next(&mut tx, now, now + LEASE).await?;
        tx.commit().await?;
        match claimed {
            Some(queued) => send(services, transport, queued).await?,
            None => break,
        }
    }
    Ok(())
}

async fn send(services: &Services, transport: &Transport, queued: QueuedMail) -> sqlx::Result<()> {
    if is_expired(&queued, services.clock.now()) {
        return give_up(services, &queued).await;
    }
    let sent = tokio::select! {
        sent = deliver(services, transport, &queued) => sent,
        () = async { services.stopped().await; tokio::time::sleep(SHUTDOWN_GRACE_PERIOD).await } => return Ok(()),
    };
    let now = services.clock.now();
    match sent {
        Ok(()) => {
            let mut tx = services.db.write().await?;
            store::mark_sent(&mut tx, &queued.id, now).await?;
            tx.commit().await
        }
        Err(_) if now - queued.created_at >= GIVE_UP_AFTER || is_expired(&queued, now) => give_up(services, &queued).await,
        Err(error) => {
            tracing::warn!(error = format!("{error:#}"), kind = ?queued.kind, attempts = queued.attempts, "a mail could not be sent yet");
            let mut tx = services.db.write().await?;
            store::schedule_retry(&mut tx, &queued.id, now + retry_delay(queued.attempts)).await?;
            tx.commit().await
        }
    }
}

/// Returns whether the link in the mail has expired.
fn is_expired(queued: &QueuedMail, now: DateTime<Utc>) -> bool {
    queued.expires_at.is_some_and(|expires_at| expires_at <= now)
}

async fn give_up(services: &Services, queued: &QueuedMail) -> sqlx::Result<()> {
    let mut tx = services.db.write().await?;
    store::mark_given_up(&mut tx, &queued.id).await?;
    services.recorder.write(&mut tx, given_up_event(queued)).await?;
    tx.commit().await
}

async fn deliver(services: &Services, transport: &Transport, queued: &QueuedMail) -> anyhow::Result<()> {
    let mail = decrypt(services, queued)?;
    transport.send(&queued.id, &mail).await
}

fn decrypt(services: &Services, queued: &QueuedMail) -> anyhow::Result<Mail> {
    let text = services.keyring.decrypt(&queued.id.to_string(), &queued.encrypted_content)?;
    Ok(serde_json::from_str(&text)?)
}

/// Returns the delay before the next attempt: 10, 20, 40 … seconds, and one hour at most.
fn retry_delay(attempts: i64) -> Duration {
    match attempts {
        ..=1 => FIRST_RETRY_DELAY,
        2..=9 => (FIRST_RETRY_DELAY * (1 << (attempts - 1))).min(MAX_RETRY_DELAY),
        _ => MAX_RETRY_DELAY,
    }
}

fn given_up_event(queued: &QueuedMail) -> Event<'_> {
    let detail = serde_json::json!({ "kind": format!("{:?}", queued.kind), "tries": queued.attempts });
    Event { outcome: Outcome::Refused, subject: queued.user_id.as_ref(), ..Event::new(Action::MailGivenUp, detail) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_delays_grow_to_an_hour() {
        let delays = [0, 1, 2, 3, 9, 10, 1000].map(|attempts| retry_delay(attempts).num_seconds());
        assert_eq!(delays, [10, 10, 20, 40, 2560, 3600, 3600]);
    }
}
