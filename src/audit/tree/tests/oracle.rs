//! Roots and proofs of trees of random sizes, against the crate ct-merkle.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use proptest::sample::Index;
use sha2::Sha256;

use super::*;

type Oracle = MemoryBackedTree<Sha256, [u8; 8]>;

/// Returns a tree of the first leaves of [`LOG`].
fn oracle(size: u64) -> Oracle {
    let mut tree = Oracle::new();
    (0..size).for_each(|index| tree.push(index.to_be_bytes()));
    tree
}

fn head(tree: &Oracle) -> TreeHead {
    let root = tree.root();
    TreeHead { size: root.num_leaves(), root: Hash::from_bytes((*root.as_bytes()).into()) }
}

/// A proof with one hash changed, removed, repeated or exchanged.
fn forge(proof: &[Hash], other: Hash, at: Index, how: u8) -> Vec<Hash> {
    let mut forged = proof.to_vec();
    match how {
        0 if !proof.is_empty() => forged[at.index(proof.len())] = other,
        1 if !proof.is_empty() => drop(forged.remove(at.index(proof.len()))),
        2 if proof.len() > 1 => forged.rotate_left(1),
        _ => forged.insert(at.index(proof.len() + 1), other),
    }
    forged
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn inclusion_proofs_are_those_of_another_implementation(size in 1..700_u64, leaf: Index, at: Index, how in 0..4_u8) {
        let (tree, index) = (oracle(size), leaf.index(size as usize) as u64);
        let proof = LOG.prove(&ProofPlan::inclusion(index, size).unwrap(), size);
        let expected = tree.prove_inclusion(index as usize);
        prop_assert_eq!(Hash::join_tile(&proof), expected.as_bytes());
        let (leaf, head) = (LOG.leaves[index as usize], head(&tree));
        prop_assert_eq!(verify_inclusion(&proof, leaf, index, head), Ok(()));
        prop_assert_eq!(verify_inclusion(&forge(&proof, leaf, at, how), leaf, index, head), Err(InvalidProof));
        prop_assert_eq!(verify_inclusion(&proof, empty_root(), index, head), Err(InvalidProof));
        prop_assert_eq!(verify_inclusion(&proof, leaf, index, TreeHead { root: leaf_hash(b""), ..head }), Err(InvalidProof));
        // The last one has the same turns on the way up.
        for other in (0..size + 2).filter(|other| *other != index).chain([index + size.next_power_of_two()]) {
            prop_assert_eq!(verify_inclusion(&proof, leaf, other, head), Err(InvalidProof));
        }
    }

    #[test]
    fn consistency_proofs_are_those_of_another_implementation(old in 1..500_u64, more in 1..500_u64, at: Index, how in 0..4_u8) {
        let (size, new_tree) = (old + more, oracle(old + more));
        let proof = LOG.prove(&ProofPlan::consistency(old, size).unwrap(), size);
        let expected = new_tree.prove_consistency(more as usize);
        prop_assert_eq!(Hash::join_tile(&proof), expected.as_bytes());
        let (old, new) = (head(&oracle(old)), head(&new_tree));
        prop_assert_eq!(verify_consistency(&proof, old, new), Ok(()));
        prop_assert_eq!(verify_consistency(&forge(&proof, LOG.leaves[0], at, how), old, new), Err(InvalidProof));
        prop_assert_eq!(verify_consistency(&proof, TreeHead { root: new.root, ..old }, new), Err(InvalidProof));
        prop_assert_eq!(verify_consistency(&proof, old, TreeHead { root: old.root, ..new }), Err(InvalidProof));
        prop_assert_eq!(verify_consistency(&proof, new, old), Err(InvalidProof));
    }

    #[test]
    fn restored_trees_have_the_root_of_another_implementation(size in 0..1_500_u64) {
        prop_assert_eq!(LOG.restore(size).head(), head(&oracle(size)));
    }
}

#[test]
fn trivial_consistency_needs_an_empty_proof() {
    let (empty, one) = (head(&oracle(0)), head(&oracle(1)));
    assert_eq!(verify_consistency(&[], empty, empty), Ok(()));
    assert_eq!(verify_consistency(&[], empty, one), Ok(()));
    assert_eq!(verify_consistency(&[], one, one), Ok(()));
    for (old, new) in [(empty, one), (one, one), (TreeHead { size: 0, ..one }, one)] {
        assert_eq!(verify_consistency(&[one.root], old, new), Err(InvalidProof));
    }
    assert_eq!(verify_consistency(&[], TreeHead { size: 0, ..one }, one), Err(InvalidProof));
    assert_eq!(verify_consistency(&[], one, TreeHead { size: 1, ..empty }), Err(InvalidProof));
    assert_eq!(verify_inclusion(&[], one.root, 0, empty), Err(InvalidProof));
}

#[test]
fn proofs_against_heads_of_any_size_do_not_panic() {
    let (sizes, hashes) = ([1, 2, 3, u64::MAX / 2, u64::MAX - 1, u64::MAX], vec![empty_root(); 70]);
    for (old, new) in sizes.iter().flat_map(|old| sizes.map(|new| (*old, new))) {
        let [old, new] = [old, new].map(|size| TreeHead { size, root: leaf_hash(b"") });
        for length in 0..hashes.len() {
            assert_eq!(verify_inclusion(&hashes[..length], empty_root(), old.size - 1, new), Err(InvalidProof));
            let is_same = old == new && length == 0;
            assert_eq!(verify_consistency(&hashes[..length], old, new).is_ok(), is_same);
        }
        let plan = ProofPlan::inclusion(old.size - 1, new.size.max(old.size)).unwrap();
        assert!(plan.nodes().count() < 130 && plan.tiles().len() < 20);
    }
}
