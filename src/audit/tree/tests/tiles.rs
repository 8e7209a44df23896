//! Tiles: their paths, their widths, and trees restored from them.

use proptest::prelude::*;

use super::*;

fn tile(level: u8, index: u64) -> TileId {
    TileId { level, index }
}

#[test]
fn widths_are_those_of_the_specification() {
    let widths = [(0, 272, 256), (0, 273, 112), (0, 274, 0), (1, 0, 256), (1, 1, 17), (1, 2, 0), (2, 0, 1), (3, 0, 0), (63, 0, 0)];
    for (level, index, width) in widths {
        assert_eq!(tile(level, index).width(70_000), width, "tile {level}/{index}");
    }
    assert_eq!((tile(0, 0).width(256), tile(0, 1).width(256), tile(1, 0).width(256)), (256, 0, 1));
    assert_eq!(tile(0, u64::MAX).width(u64::MAX), 0);
    assert_eq!(tile(7, 0).width(u64::MAX), 255);
}

#[test]
fn the_right_edge_of_70000_leaves_is_that_of_the_specification() {
    let full = |level| LOG.full.keys().filter(|id| id.level == level).count();
    assert_eq!([0, 1, 2].map(full), [273, 1, 0]);
    let tree = LOG.restore(70_000);
    let partial: Vec<_> = tree.partial_tiles().map(|(id, hashes)| (id, hashes.len())).collect();
    assert_eq!(partial, [(tile(0, 273), 112), (tile(1, 1), 17), (tile(2, 0), 1)]);
}

#[test]
fn paths_are_canonical() {
    for (path, level, index, width) in [
        ("tile/0/000", 0, 0, 256),
        ("tile/0/273.p/112", 0, 273, 112),
        ("tile/5/x001/x234/067", 5, 1_234_067, 256),
        ("tile/63/x001/000.p/1", 63, 1000, 1),
        ("tile/0/x018/x446/x744/x073/x709/x551/615.p/255", 0, u64::MAX, 255),
    ] {
        let expected = TilePath { tile: tile(level, index), width };
        assert_eq!((path.parse(), expected.to_string()), (Ok(expected), path.to_owned()));
    }
}

#[test]
fn other_paths_are_refused() {
    for path in [
        "",
        "/tile/0/000",
        "tile/0",
        "tile/0/",
        "tile/00/000",
        "tile/64/000",
        "tile/+1/000",
        "tile/-1/000",
        "tile/256/000",
        "tile/entries/000",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/000/",
        "tile/0/x000/067",
        "tile/0/x001",
        "tile/0/001/067",
        "tile/0/X001/067",
        "tile/0/x1/067",
        "tile/0/x001//067",
        "tile/0/x001/x234/067/",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/000.p/1/",
        "tile/0/000.p/1.p/1",
        "tile/0/٠٠٠",
        "tile/0/000\n",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
    ] {
        assert_eq!(path.parse::<TilePath>(), Err(InvalidTilePath), "{path}");
    }
}

#[test]
fn only_tiles_within_the_tree_exist() {
    let path = |text: &str| text.parse::<TilePath>().unwrap();
    for (text, size, exists) in [
        ("tile/0/000", 255, false),
        ("tile/0/000", 256, true),
        ("tile/0/000.p/255", 300, true),
        ("tile/0/001.p/44", 300, true),
        ("tile/0/001.p/45", 300, false),
        ("tile/1/000.p/1", 300, true),
        ("tile/1/000.p/2", 300, false),
        ("tile/0/002.p/1", 300, false),
    ] {
        assert_eq!(path(text).exists_in(size), exists, "{text} at {size}");
    }
}

#[test]
fn trees_are_restored_from_tiles_that_fit_their_size_only() {
    let log = StoredLog::new(300);
    let partial = [log.leaves[256..].to_vec(), vec![log.full[&tile(0, 0)].root]];
    assert_eq!(TiledTree::restore(300, &partial).unwrap().head(), log.head);
    assert!(TiledTree::restore(301, &partial).is_err());
    assert!(TiledTree::restore(300, &partial[..1]).is_err());
    let additional = [&partial[..], &[vec![empty_root()]]].concat();
    assert!(TiledTree::restore(300, &additional).is_err());
    assert!(TiledTree::restore(0, &[]).is_ok());
}

#[test]
fn tiles_are_stored_as_bytes() {
    let hashes = &LOG.leaves[..256];
    let bytes = Hash::join_tile(hashes);
    assert_eq!(bytes.len(), 8_192);
    assert_eq!(Hash::split_tile(&bytes).as_deref(), Ok(hashes));
    assert_eq!(Hash::split_tile(&bytes[1..]), Err(InvalidHash));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_restart_does_not_change_the_tree(before in 0..LOG.head.size, more in 0..600_u64) {
        let mut tree = LOG.restore(before);
        let after = (before + more).min(LOG.head.size);
        for leaf in &LOG.leaves[before as usize..after as usize] {
            for tile in tree.append(*leaf) {
                prop_assert_eq!(&tile, &LOG.full[&tile.id]);
            }
        }
        prop_assert_eq!(tree.head(), LOG.restore(after).head());
        let partial: Vec<_> = tree.partial_tiles().map(|(id, hashes)| (id, hashes.to_vec())).collect();
        prop_assert!(partial.iter().all(|(id, hashes)| *hashes == LOG.tile(*id, after)));
        let proof = LOG.prove(&ProofPlan::consistency(after, LOG.head.size).unwrap(), LOG.head.size);
        prop_assert_eq!(verify_consistency(&proof, tree.head(), LOG.head), Ok(()));
    }

    #[test]
    fn leaves_of_large_trees_are_proven_from_few_tiles(index in 0..LOG.head.size) {
        let plan = ProofPlan::inclusion(index, LOG.head.size).unwrap();
        prop_assert!(plan.tiles().len() <= 5);
        let proof = LOG.prove(&plan, LOG.head.size);
        prop_assert_eq!(verify_inclusion(&proof, LOG.leaves[index as usize], index, LOG.head), Ok(()));
    }

    #[test]
    fn paths_are_parsed_as_they_are_formatted(level in 0..64_u8, index: u64, digits in 0..64_u32, width in 1..=256_usize) {
        let path = TilePath { tile: tile(level, index >> digits), width };
        prop_assert_eq!(path.to_string().parse(), Ok(path));
    }

    #[test]
    fn paths_have_one_form(text in "tile/[0-9]{1,2}/(x?[0-9]{3,4}/){0,2}[0-9]{3}(\\.p/[0-9]{1,3})?") {
        if let Ok(path) = text.parse::<TilePath>() {
            prop_assert_eq!(path.to_string(), text);
        }
    }
}
