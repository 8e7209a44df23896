//! The list of a page: in what order its rows stand while it changes under the eyes.

use std::collections::HashSet;

use leptos::prelude::*;

#[cfg(feature = "hydrate")]
use crate::sessions::model::News;
use crate::{
    foundation::ids::SessionId,
    sessions::{
        model::{Session, Sessions},
        signals::Live,
    },
    ui::time::PageClock,
};

/// What the views of the card share.
#[derive(Clone, Copy)]
pub struct LiveList {
    /// The page's live part.
    pub live: Live,
    /// The page's clock.
    pub clock: PageClock,
    /// The ids of the rows, in the order in which they stand.
    pub order: RwSignal<Vec<SessionId>>,
    /// Whether the pointer is in the list: then nothing under it moves.
    pub is_pointed_at: RwSignal<bool>,
    /// The row that the focus is in: then nothing moves either, and this row stays even if its session ends.
    pub focused: RwSignal<Option<SessionId>>,
    /// Rows that are closing.
    pub leaving: RwSignal<HashSet<SessionId>>,
    /// The row that stays for the focus alone: its session ended.
    pub ended: RwSignal<Option<SessionId>>,
    first: StoredValue<Sessions>,
}

impl LiveList {
    /// Shows this list.
    pub fn new(live: Live, first: Sessions) -> Self {
        let order = RwSignal::new(first.rows.iter().map(|row| row.id.clone()).collect());
        let list = Self {
            live,
            clock: PageClock::new(first.now),
            order,
            is_pointed_at: RwSignal::new(false),
            focused: RwSignal::new(None),
            leaving: RwSignal::default(),
            ended: RwSignal::new(None),
            first: StoredValue::new(first.clone()),
        };
        live.list.set(Some(first));
        Effect::new(move || list.arrange());
        list
    }

    /// Reads the list as it stands.
    pub fn with<T>(self, read: impl FnOnce(&Sessions) -> T) -> T {
        self.live.list.with(|list| match list {
            Some(list) => read(list),
            None => self.first.with_value(read),
        })
    }

    /// A row by its id; while it closes, as it was.
    pub fn row(self, id: SessionId, first: Session) -> Memo<Session> {
        Memo::new(move |before: Option<&Session>| {
            let now = self.with(|list| list.rows.iter().find(|row| row.id == id).cloned());
            now.or_else(|| before.cloned()).unwrap_or_else(|| first.clone())
        })
    }

    /// Whether this row stays for the focus alone: then it does nothing any more.
    pub fn has_ended(self, session: Memo<Session>) -> bool {
        self.ended.with(|ended| session.with(|session| ended.as_ref() == Some(&session.id)))
    }

    /// The row that stands for this id now.
    pub fn find(self, id: &SessionId) -> Option<Session> {
        self.live
            .list
            .with_untracked(|list| list.as_ref()?.rows.iter().find(|row| row.id == *id).cloned())
            .or_else(|| self.first.with_value(|first| first.rows.iter().find(|row| row.id == *id).cloned()))
    }

    /// Puts the rows into the order of the list. While it is held, those that are there stay where they are.
    fn arrange(self) {
        let now = self.clock.now();
        let wanted: Vec<SessionId> =
            self.with(|list| list.rows.iter().filter(|row| row.current || !row.is_expired(now)).map(|row| row.id.clone()).collect());
        let standing = self.order.get_untracked();
        let focused = self.focused.get();
        let (gone, ended) = closing_and_kept(&standing, &wanted, focused.as_ref());
        let is_held = self.is_pointed_at.get() || focused.is_some();
        let order = if is_held { keep_standing(&standing, &wanted) } else { with_leaving(&standing, wanted) };
        if order != standing {
            self.order.set(order);
        }
        // What fell off a list that was cut need not have ended.
        let ended = ended.filter(|_| self.with(|list| list.rows.len() == list.matching));
        if ended != self.ended.get_untracked() {
            self.ended.set(ended);
        }
        self.close(gone);
    }

    /// Rows that ended close before they are taken away.
    fn close(self, gone: Vec<SessionId>) {
        let gone: Vec<SessionId> = gone.into_iter().filter(|id| self.leaving.with_untracked(|leaving| !leaving.contains(id))).collect();
        if gone.is_empty() {
            return;
        }
        self.leaving.update(|leaving| leaving.extend(gone.iter().cloned()));
        let take_away = move || {
            self.order.update(|order| order.retain(|id| !gone.contains(id)));
            self.leaving.update(|leaving| leaving.retain(|id| !gone.contains(id)));
        };
        set_timeout(take_away, CLOSING);
    }

    /// Shows another part of the list at once: nothing ended, so nothing closes.
    #[cfg(feature = "hydrate")]
    pub fn show(self, list: Sessions) {
        self.order.set(list.rows.iter().map(|row| row.id.clone()).collect());
        self.live.list.set(Some(list));
    }

    /// Takes out a row whose end the server has answered.
    #[cfg(feature = "hydrate")]
    pub fn take_out(self, id: &SessionId) {
        self.change(|list| {
            let was_there = list.rows.iter().any(|row| row.id == *id);
            let total = list.total - usize::from(was_there);
            list.hear(News::Gone { sessions: vec![id.clone()], total }, "");
        });
    }

    /// Takes out all rows but the current one.
    #[cfg(feature = "hydrate")]
    pub fn take_out_others(self) {
        self.change(|list| {
            let others = list.rows.iter().filter(|row| !row.current).map(|row| row.id.clone()).collect();
            list.hear(News::Gone { sessions: others, total: 1 }, "");
        });
    }

    #[cfg(feature = "hydrate")]
    fn change(self, change: impl FnOnce(&mut Sessions)) {
        self.live.list.update(|list| {
            if let Some(list) = list {
                change(list);
            }
        });
    }

    /// Where this row stands.
    pub fn position(self, id: &SessionId) -> usize {
        self.order.with_untracked(|rows| rows.iter().position(|row| row == id).unwrap_or(rows.len()))
    }

    /// The row to revoke next after the one that stood at `at`, else the one before: where the focus goes when it leaves,
    /// or left already, since news may be faster than the answer.
    pub fn neighbour(self, id: &SessionId, at: usize) -> Option<SessionId> {
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

/// As long as the style sheet's animation.
const CLOSING: std::time::Duration = std::time::Duration::from_millis(180);

/// Of the rows that are no longer in the list: those that close now, and the one that stays while the focus is in it.
fn closing_and_kept(standing: &[SessionId], wanted: &[SessionId], focused: Option<&SessionId>) -> (Vec<SessionId>, Option<SessionId>) {
    let (mut kept, closing): (Vec<_>, Vec<_>) =
        standing.iter().filter(|id| !wanted.contains(id)).cloned().partition(|id| Some(id) == focused);
    (closing, kept.pop())
}

/// What stands stays in place; what is new comes below.
fn keep_standing(standing: &[SessionId], wanted: &[SessionId]) -> Vec<SessionId> {
    let new = wanted.iter().filter(|id| !standing.contains(id));
    standing.iter().chain(new).cloned().collect()
}

/// The wanted order, with rows that are leaving where they stood.
fn with_leaving(standing: &[SessionId], mut wanted: Vec<SessionId>) -> Vec<SessionId> {
    for (at, id) in standing.iter().enumerate() {
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
    fn nothing_under_the_pointer_moves() {
        assert_eq!(keep_standing(&ids("a b c"), &ids("d c a b")), ids("a b c d"));
        assert_eq!(keep_standing(&ids("a b"), &ids("b")), ids("a b"));
    }

    #[test]
    fn a_row_stays_while_the_focus_is_in_it() {
        let (standing, wanted, b) = (ids("a b c d"), ids("c a"), &ids("b")[0]);
        assert_eq!(closing_and_kept(&standing, &wanted, Some(b)), (ids("d"), Some(b.clone())));
        assert_eq!(closing_and_kept(&standing, &wanted, Some(&ids("c")[0])), (ids("b d"), None));
        assert_eq!(closing_and_kept(&standing, &wanted, None), (ids("b d"), None));
    }

    #[test]
    fn a_leaving_row_closes_where_it_stood() {
        assert_eq!(with_leaving(&ids("a b c"), ids("c a")), ids("c b a"));
        assert_eq!(with_leaving(&ids("a b"), ids("")), ids("a b"));
    }
}
