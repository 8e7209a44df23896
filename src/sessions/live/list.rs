//! The displayed list of sessions: the order of its rows while live messages change it.

use leptos::prelude::*;

#[cfg(feature = "hydrate")]
use crate::sessions::model::LiveMessage;
use crate::{
    foundation::ids::SessionId,
    sessions::model::{Query, Session, Sessions},
    ui::time::PageClock,
};

/// State that the views of the Active Sessions card share.
#[derive(Clone, Copy)]
pub struct LiveList {
    /// The sessions, as the server last sent them.
    pub sessions: RwSignal<Sessions>,
    /// The part of the list that is shown.
    pub query: RwSignal<Query>,
    /// The page's clock.
    pub clock: PageClock,
    /// The ids of the rows in display order.
    pub order: RwSignal<Vec<SessionId>>,
    /// Whether the pointer is over the list. While it is, no row under it moves.
    pub is_pointed_at: RwSignal<bool>,
    /// The row that has the focus. While there is one, no row moves, and this row stays even if its session ends.
    pub focused: RwSignal<Option<SessionId>>,
    /// Rows whose closing animation is running.
    pub leaving: RwSignal<Vec<SessionId>>,
    /// The row whose session ended, but which stays because it has the focus.
    pub ended: RwSignal<Option<SessionId>>,
}

impl LiveList {
    /// Creates the state from the first list, and keeps the order of rows up to date.
    pub fn new(first: Sessions, query: Query) -> Self {
        let list = Self {
            query: RwSignal::new(query),
            clock: PageClock::new(first.now),
            order: RwSignal::new(first.rows.iter().map(|row| row.id.clone()).collect()),
            is_pointed_at: RwSignal::new(false),
            focused: RwSignal::new(None),
            leaving: RwSignal::default(),
            ended: RwSignal::new(None),
            sessions: RwSignal::new(first),
        };
        Effect::new(move || list.arrange());
        list
    }

    /// Reads the current list.
    pub fn with<T>(self, read: impl FnOnce(&Sessions) -> T) -> T {
        self.sessions.with(read)
    }

    /// Returns the session of a row by id. While the row closes, it keeps its last value.
    pub fn row(self, id: SessionId, first: Session) -> Memo<Session> {
        Memo::new(move |before: Option<&Session>| {
            let now = self.with(|list| list.rows.iter().find(|row| row.id == id).cloned());
            now.or_else(|| before.cloned()).unwrap_or_else(|| first.clone())
        })
    }

    /// Whether the closing animation of this row is running.
    pub fn is_leaving(self, id: &SessionId) -> bool {
        self.leaving.with(|leaving| leaving.contains(id))
    }

    /// Whether this session ended and only the focus keeps its row. Such a row is inactive.
    pub fn is_ended(self, id: &SessionId) -> bool {
        self.ended.with(|ended| ended.as_ref() == Some(id))
    }

    /// Whether the session of a row ended: see [`Self::is_ended`].
    pub fn has_ended(self, session: Memo<Session>) -> bool {
        session.with(|session| self.is_ended(&session.id))
    }

    /// Returns the current session of this id, if it is in the list.
    pub fn find(self, id: &SessionId) -> Option<Session> {
        self.sessions.with_untracked(|list| list.rows.iter().find(|row| row.id == *id).cloned())
    }

    /// Updates the display order. While the list is held by the pointer or the focus, displayed rows keep their places.
    fn arrange(self) {
        let now = self.clock.now();
        let wanted: Vec<SessionId> =
            self.with(|list| list.rows.iter().filter(|row| row.current || !row.is_expired(now)).map(|row| row.id.clone()).collect());
        let displayed = self.order.get_untracked();
        let focused = self.focused.get();
        let (gone, ended) = closing_and_kept(&displayed, &wanted, focused.as_ref());
        let is_held = self.is_pointed_at.get() || focused.is_some();
        let order = if is_held { keep_displayed(&displayed, &wanted) } else { with_leaving(&displayed, wanted) };
        if order != displayed {
            self.order.set(order);
        }
        // A row missing from a truncated list may not have ended.
        let ended = ended.filter(|_| self.with(|list| list.rows.len() == list.matching));
        if ended != self.ended.get_untracked() {
            self.ended.set(ended);
        }
        self.close(gone);
    }

    /// Plays the closing animation of rows whose sessions ended, then removes them.
    fn close(self, gone: Vec<SessionId>) {
        let gone: Vec<SessionId> = gone.into_iter().filter(|id| self.leaving.with_untracked(|leaving| !leaving.contains(id))).collect();
        if gone.is_empty() {
            return;
        }
        self.leaving.update(|leaving| leaving.extend(gone.iter().cloned()));
        let remove_closed = move || {
            self.order.update(|order| order.retain(|id| !gone.contains(id)));
            self.leaving.update(|leaving| leaving.retain(|id| !gone.contains(id)));
        };
        set_timeout(remove_closed, CLOSING_ANIMATION);
    }

    /// Replaces the displayed part of the list without animation, because no session ended.
    #[cfg(feature = "hydrate")]
    pub fn show(self, list: Sessions) {
        crate::ui::later::hydrate_now();
        self.order.set(list.rows.iter().map(|row| row.id.clone()).collect());
        self.sessions.set(list);
    }

    /// Applies a message of the live channel.
    #[cfg(feature = "hydrate")]
    pub fn apply(self, message: LiveMessage) {
        let search = self.query.with_untracked(|query| query.search.clone());
        self.sessions.update(|list| list.apply(message, &search));
    }

    /// Removes a row whose revocation the server has confirmed.
    #[cfg(feature = "hydrate")]
    pub fn remove(self, id: &SessionId) {
        self.sessions.update(|list| {
            let was_there = list.rows.iter().any(|row| row.id == *id);
            let total = list.total - usize::from(was_there);
            list.apply(LiveMessage::Gone { sessions: vec![id.clone()], total }, "");
        });
    }

    /// Removes all rows except the current session.
    #[cfg(feature = "hydrate")]
    pub fn remove_others(self) {
        self.sessions.update(|list| {
            let others = list.rows.iter().filter(|row| !row.current).map(|row| row.id.clone()).collect();
            list.apply(LiveMessage::Gone { sessions: others, total: 1 }, "");
        });
    }

    /// Returns the index of this row, or the number of rows if it is not displayed.
    pub fn position(self, id: &SessionId) -> usize {
        self.order.with_untracked(|rows| rows.iter().position(|row| row == id).unwrap_or(rows.len()))
    }

    /// Returns the next revocable row after the one at index `at`, else the previous one: it gets the focus when that row goes.
    /// The row may be gone already, because the live message can arrive before the response.
    pub fn neighbor(self, id: &SessionId, at: usize) -> Option<SessionId> {
        let rows = self.order.get_untracked();
        let (above, below) = rows.split_at(at.min(rows.len()));
        let can_be_revoked = |row: &&SessionId| {
            *row != id
                && self.ended.get_untracked().as_ref() != Some(*row)
                && self.find(row).is_some_and(|row| !row.current)
                && !self.leaving.with_untracked(|leaving| leaving.contains(*row))
        };
        below.iter().find(can_be_revoked).or_else(|| above.iter().rev().find(can_be_revoked)).cloned()
    }
}

/// Duration of the closing animation in the style sheet.
const CLOSING_ANIMATION: std::time::Duration = std::time::Duration::from_millis(180);

/// Splits the rows that are no longer in the list into those that close now and the one that stays because it has the focus.
fn closing_and_kept(displayed: &[SessionId], wanted: &[SessionId], focused: Option<&SessionId>) -> (Vec<SessionId>, Option<SessionId>) {
    let (mut kept, closing): (Vec<_>, Vec<_>) =
        displayed.iter().filter(|id| !wanted.contains(id)).cloned().partition(|id| Some(id) == focused);
    (closing, kept.pop())
}

/// Keeps displayed rows in place and appends new ones.
fn keep_displayed(displayed: &[SessionId], wanted: &[SessionId]) -> Vec<SessionId> {
    let new = wanted.iter().filter(|id| !displayed.contains(id));
    displayed.iter().chain(new).cloned().collect()
}

/// Returns the wanted order with leaving rows inserted at their old places.
fn with_leaving(displayed: &[SessionId], mut wanted: Vec<SessionId>) -> Vec<SessionId> {
    for (at, id) in displayed.iter().enumerate() {
        if !wanted.contains(id) {
            wanted.insert(at.min(wanted.len()), id.clone());
        }
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(names: &str) -> Vec<SessionId> {
        names.split_whitespace().map(|name| serde_json::from_str(&format!("{name:?}")).unwrap()).collect()
    }

    #[test]
    fn rows_under_the_pointer_do_not_move() {
        assert_eq!(keep_displayed(&ids("a b c"), &ids("d c a b")), ids("a b c d"));
        assert_eq!(keep_displayed(&ids("a b"), &ids("b")), ids("a b"));
    }

    #[test]
    fn a_row_stays_while_it_has_the_focus() {
        let (displayed, wanted, b) = (ids("a b c d"), ids("c a"), &ids("b")[0]);
        assert_eq!(closing_and_kept(&displayed, &wanted, Some(b)), (ids("d"), Some(b.clone())));
        assert_eq!(closing_and_kept(&displayed, &wanted, Some(&ids("c")[0])), (ids("b d"), None));
        assert_eq!(closing_and_kept(&displayed, &wanted, None), (ids("b d"), None));
    }

    #[test]
    fn a_leaving_row_closes_in_its_old_place() {
        assert_eq!(with_leaving(&ids("a b c"), ids("c a")), ids("c b a"));
        assert_eq!(with_leaving(&ids("a b"), ids("")), ids("a b"));
    }
}
