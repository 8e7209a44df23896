//! Merges sources of events, each of which is walked newest first, into one page. Pure: it says what to walk next, and gets what was found.

use std::collections::BTreeSet;

/// Most entries that one statement examines.
const MAX_STEP: usize = 5_000;

/// The state of a page that is being collected.
pub struct Merge {
    limit: usize,
    budget: usize,
    examined: usize,
    found: BTreeSet<String>,
    sources: Vec<Source>,
}

struct Source {
    /// The lowest id that was examined. At first, the id below which the page begins.
    frontier: String,
    is_started: bool,
    is_exhausted: bool,
    /// How many entries the next step examines.
    step: usize,
}

/// What to walk next: this many entries of a source below an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Position of the source.
    pub source: usize,
    /// Entries with lower ids are walked.
    pub before: String,
    /// How many entries are examined at most.
    pub count: usize,
}

/// What a step found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Walked {
    /// The ids of the matches.
    pub found: Vec<String>,
    /// The lowest id that was examined. `None` if there was nothing.
    pub lowest: Option<String>,
    /// How many entries were examined. Fewer than asked for: the source is exhausted.
    pub examined: usize,
}

/// The ids of a page, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageOfIds {
    /// The ids.
    pub ids: Vec<String>,
    /// The next page has the ids below this one. `None` after the last page.
    pub next: Option<String>,
}

impl Merge {
    /// Begins a page of up to `limit` ids below `before`, which examines about `budget` entries at most: one entry of each source at least, so
    /// that each page gets further.
    pub fn new(sources: usize, before: &str, limit: usize, budget: usize) -> Self {
        let step = (limit + 1).min(budget / (2 * sources.max(1))).clamp(1, MAX_STEP);
        let source = || Source { frontier: before.to_owned(), is_started: false, is_exhausted: false, step };
        Self { limit, budget, examined: 0, found: BTreeSet::new(), sources: std::iter::repeat_with(source).take(sources).collect() }
    }

    /// Returns what to walk next: the source that holds the page back. `None` when the page is complete.
    pub fn next_step(&self) -> Option<Step> {
        let (number, source) = self.open().max_by(|(_, one), (_, other)| one.order().cmp(&other.order()))?;
        let is_full = self.found.range(source.frontier.clone()..).count() > self.limit;
        if source.is_started && (is_full || self.examined >= self.budget) {
            return None;
        }
        let count = source.step.min(self.budget.saturating_sub(self.examined)).max(1);
        Some(Step { source: number, before: source.frontier.clone(), count })
    }

    /// Adds what a step found.
    pub fn add(&mut self, step: &Step, walked: Walked) {
        let source = &mut self.sources[step.source];
        source.is_started = true;
        source.is_exhausted = walked.examined < step.count;
        source.step = (source.step * 2).min(MAX_STEP);
        if let Some(lowest) = walked.lowest {
            source.frontier = lowest;
        }
        self.examined += walked.examined;
        self.found.extend(walked.found);
    }

    /// Returns the page: it is complete down to the highest id at which a source stopped. What was found below is left to the next page.
    pub fn finish(self) -> PageOfIds {
        let floor = self.open().map(|(_, source)| source.frontier.clone()).max();
        let mut ids: Vec<String> = self.found.range(floor.clone().unwrap_or_default()..).rev().cloned().collect();
        let is_cut = ids.len() > self.limit;
        ids.truncate(self.limit);
        let next = if is_cut { ids.last().cloned() } else { floor };
        PageOfIds { ids, next }
    }

    /// Returns the sources that are not exhausted.
    fn open(&self) -> impl Iterator<Item = (usize, &Source)> {
        self.sources.iter().enumerate().filter(|(_, source)| !source.is_exhausted)
    }
}

impl Source {
    /// Sources that were not walked yet come first, then those that got least far.
    fn order(&self) -> (bool, &str) {
        (!self.is_started, &self.frontier)
    }
}

#[cfg(test)]
mod tests;
