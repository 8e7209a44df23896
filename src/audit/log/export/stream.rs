//! Streams an export in batches, so that its memory does not depend on its length.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use futures::stream;

use crate::{
    access::Principal,
    audit::{
        log::{
            actions::{record_export, time_zone},
            events,
            export::Format,
            reader::view,
            resolve::resolve,
            search::Search,
            sources::Walk,
            walk::{MAX_EXAMINED, PageOptions, choose, collect},
        },
        query::Query,
    },
    error::AppError,
    foundation::services::Services,
    sessions::actions::renew,
};

/// Events of a batch.
const BATCH_SIZE: usize = 1_000;

/// An export that runs.
pub struct Export {
    services: Arc<Services>,
    principal: Principal,
    format: Format,
    host: String,
    /// What is searched, where. `None`: a name means nothing, so that nothing is found.
    search: Option<(Search, Vec<Walk>)>,
    before: Option<String>,
    progress: Progress,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Head,
    Events,
    Done,
}

/// Begins an export, and records it.
///
/// Errors: [`AppError::Invalid`] for a name that means too much.
pub async fn start(
    services: &Arc<Services>,
    principal: &Principal,
    query: &Query,
    before: Option<String>,
    format: Format,
) -> Result<Export, AppError> {
    let mut db = services.db.read().await?;
    let view = view(services, principal);
    let search = match resolve(&mut db, view, query, time_zone(principal)).await? {
        Ok(search) => {
            let walks = choose(&mut db, &search, view).await?;
            Some((search, walks))
        }
        Err(_) => None,
    };
    drop(db);
    record_export(services, principal, query, format.key()).await?;
    let host = services.config.public_url().host().to_owned();
    Ok(Export { services: services.clone(), principal: principal.clone(), format, host, search, before, progress: Progress::Head })
}

impl Export {
    /// Returns the body of the response. It breaks off if a batch cannot be read.
    pub fn into_body(self) -> Body {
        Body::from_stream(stream::try_unfold(self, async |mut export| {
            let batch = export.next_batch().await.map_err(|error| std::io::Error::other(error.to_string()))?;
            Ok::<_, std::io::Error>(batch.map(|batch| (Bytes::from(batch), export)))
        }))
    }

    /// Returns the next part. `None` after the last one. A batch may be empty, as a page of the list may be.
    async fn next_batch(&mut self) -> Result<Option<Vec<u8>>, AppError> {
        match self.progress {
            Progress::Head => {
                self.progress = Progress::Events;
                Ok(Some(self.format.head()))
            }
            Progress::Events => self.read_batch().await.map(Some),
            Progress::Done => Ok(None),
        }
    }

    async fn read_batch(&mut self) -> Result<Vec<u8>, AppError> {
        let Some((search, walks)) = &self.search else {
            self.progress = Progress::Done;
            return Ok(Vec::new());
        };
        // Whoever was signed out, or lost a right, gets no more of it (AUT-1).
        self.principal = renew(&self.services, &self.principal).await?;
        let view = view(&self.services, &self.principal);
        let options = PageOptions { before: self.before.clone(), limit: BATCH_SIZE, examined: MAX_EXAMINED };
        let mut db = self.services.db.read().await?;
        let page = collect(&mut db, walks, search, view, &options).await?;
        let events = events::load(&mut db, &self.services, &page.ids).await?;
        let mut output = Vec::new();
        for event in &events {
            self.format.write(event, &self.host, &mut output);
        }
        self.progress = if page.next.is_some() { Progress::Events } else { Progress::Done };
        self.before = page.next;
        Ok(output)
    }
}
