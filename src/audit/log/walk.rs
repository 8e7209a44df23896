//! Collects a page: chooses the walks that examine least, and merges them.

use crate::{
    audit::log::{
        merge::{Merge, PageOfIds},
        reader::own_plan,
        search::{Plan, Search},
        sources::Walk,
        store::walk::{self as store, View},
    },
    foundation::db::Connection,
};

/// Most entries that a page examines.
pub const MAX_EXAMINED: usize = 20_000;
/// A plan with fewer entries is taken without a look at others.
const SHORT: usize = 100;
/// A plan with at least so many entries counts as long.
const LONG: usize = 2_000;

/// Which page of a search is collected.
#[derive(Debug, Clone)]
pub struct PageOptions {
    /// The page has ids below this one. `None`: the first page.
    pub before: Option<String>,
    /// Most events.
    pub limit: usize,
    /// Most entries that are examined.
    pub examined: usize,
}

/// Returns the ids of a page, from walks that [`choose`] returned.
pub async fn collect(
    db: &mut impl Connection,
    walks: &[Walk],
    search: &Search,
    view: View<'_>,
    options: &PageOptions,
) -> sqlx::Result<PageOfIds> {
    let before = options.before.as_ref().map_or(&search.before, |before| before.min(&search.before));
    let mut merge = Merge::new(walks.len(), before, options.limit, options.examined);
    while let Some(step) = merge.next_step() {
        let walked = store::walk(db, &walks[step.source], search, view, &step).await?;
        merge.add(&step, walked);
    }
    Ok(merge.finish())
}

/// Returns the walks of the shortest plan. Plans that are all long are taken by their rank: a count of all of their entries would cost more
/// than the page.
pub async fn choose(db: &mut impl Connection, search: &Search, view: View<'_>) -> sqlx::Result<Vec<Walk>> {
    let mut best = own_plan(db, view).await?;
    if search.plans.is_empty() {
        return Ok(best.walks);
    }
    let mut shortest = count(db, &best, search).await?;
    for plan in &search.plans {
        if shortest < SHORT {
            break;
        }
        let length = count(db, plan, search).await?;
        if (length, plan.rank) < (shortest, best.rank) {
            (best, shortest) = (plan.clone(), length);
        }
    }
    Ok(best.walks)
}

/// Counts the entries of a plan, up to [`LONG`].
async fn count(db: &mut impl Connection, plan: &Plan, search: &Search) -> sqlx::Result<usize> {
    let mut total = 0;
    for walk in &plan.walks {
        total += store::count(db, walk, search, LONG - total).await?;
        if total >= LONG {
            break;
        }
    }
    Ok(total)
}
