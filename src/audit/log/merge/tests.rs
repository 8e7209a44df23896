use proptest::prelude::*;

use super::*;

fn id(number: usize) -> String {
    format!("{number:04}")
}

/// Walks sources in memory, each a list of numbers with whether they match.
fn page(sources: &[Vec<(usize, bool)>], before: &str, limit: usize, budget: usize) -> (PageOfIds, usize) {
    let mut merge = Merge::new(sources.len(), before, limit, budget);
    while let Some(step) = merge.next_step() {
        let entries: Vec<_> = sources[step.source].iter().filter(|(number, _)| id(*number) < step.before).take(step.count).collect();
        let walked = Walked {
            found: entries.iter().filter(|(_, matches)| *matches).map(|(number, _)| id(*number)).collect(),
            lowest: entries.last().map(|(number, _)| id(*number)),
            examined: entries.len(),
        };
        merge.add(&step, walked);
    }
    let examined = merge.examined;
    (merge.finish(), examined)
}

fn all_pages(sources: &[Vec<(usize, bool)>], limit: usize, budget: usize) -> Vec<String> {
    let (mut ids, mut before) = (Vec::new(), id(9_999));
    loop {
        let (page, examined) = page(sources, &before, limit, budget);
        assert!(page.ids.len() <= limit && examined <= budget + sources.len(), "{examined} of {budget}");
        ids.extend(page.ids);
        match page.next {
            Some(next) => assert!(next < std::mem::replace(&mut before, next.clone()), "no page stays where it is"),
            None => return ids,
        }
    }
}

#[test]
fn a_page_may_be_empty_and_still_lead_on() {
    let source = (0..100).rev().map(|number| (number, number == 5)).collect::<Vec<_>>();
    let (first, examined) = page(std::slice::from_ref(&source), &id(9_999), 10, 20);
    assert_eq!((first.ids.len(), first.next, examined), (0, Some(id(80)), 20));
    assert_eq!(all_pages(&[source], 10, 20), [id(5)]);
}

#[test]
fn nothing_is_one_page() {
    assert_eq!(page(&[], &id(9_999), 10, 20).0, PageOfIds { ids: Vec::new(), next: None });
    assert_eq!(page(&[Vec::new()], &id(9_999), 10, 20).0, PageOfIds { ids: Vec::new(), next: None });
}

proptest! {
    /// Pages have every match once, newest first, whatever their size and what they may examine.
    #[test]
    fn pages_have_every_match_once(
        sources in prop::collection::vec(prop::collection::btree_map(0..200_usize, any::<bool>(), 0..60), 0..5),
        limit in 1..20_usize,
        budget in 1..50_usize,
    ) {
        let sources: Vec<Vec<_>> = sources.into_iter().map(|source| source.into_iter().rev().collect()).collect();
        let expected: BTreeSet<String> = sources.iter().flatten().filter(|(_, matches)| *matches).map(|(number, _)| id(*number)).collect();
        prop_assert_eq!(all_pages(&sources, limit, budget), expected.into_iter().rev().collect::<Vec<_>>());
    }
}
