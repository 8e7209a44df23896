//! Published examples of hashes and proofs.

use super::*;

/// The leaves of the tests of certificate-transparency and transparency-dev/merkle.
const LEAVES: [&str; 8] = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];

/// Their roots, from the empty tree up to all eight.
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn hashes() -> Vec<Hash> {
    LEAVES.iter().map(|leaf| leaf_hash(&hex::decode(leaf).unwrap())).collect()
}

#[test]
fn roots_are_those_of_certificate_transparency() {
    for (size, root) in ROOTS.iter().enumerate() {
        let range: CompactRange = hashes().into_iter().take(size).collect();
        assert_eq!(range.root().to_string(), *root);
    }
    assert_eq!(empty_root().to_string(), ROOTS[0]);
}

/// Builds the plan from the hashes of the leaves alone.
fn build(plan: ProofPlan, leaves: &[Hash]) -> Vec<Hash> {
    let tiles = HashMap::from([(TileId { level: 0, index: 0 }, leaves.to_vec())]);
    plan.build(|node| node.hash_in(&tiles)).unwrap()
}

#[test]
fn proofs_are_those_of_certificate_transparency() {
    let inclusion = build(ProofPlan::inclusion(5, 8).unwrap(), &hashes());
    let consistency = build(ProofPlan::consistency(6, 8).unwrap(), &hashes());
    let expected = [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    .map(|hash| Hash::from_hex(hash).unwrap());
    assert_eq!(inclusion, [expected[0], expected[2], expected[3]]);
    assert_eq!(consistency, expected[1..]);
}

/// The tree of RFC 6962, section 2.1.3: its nodes by letter.
fn example(letters: &str) -> Vec<Hash> {
    let [a, b, c, d, e, f, j] = hashes()[..7].try_into().unwrap();
    let (g, h, i) = (node_hash(a, b), node_hash(c, d), node_hash(e, f));
    let (k, l) = (node_hash(g, h), node_hash(i, j));
    let nodes = [a, b, c, d, e, f, g, h, i, j, k, l];
    letters.bytes().map(|letter| nodes[usize::from(letter - b'a')]).collect()
}

#[test]
fn proofs_are_those_of_the_example_in_rfc_6962() {
    for (index, path) in [(0, "bhl"), (3, "cgl"), (4, "fjk"), (6, "ik")] {
        assert_eq!(build(ProofPlan::inclusion(index, 7).unwrap(), &hashes()[..7]), example(path), "leaf {index}");
    }
    for (old, path) in [(0, ""), (3, "cdgl"), (4, "l"), (6, "ijk"), (7, "")] {
        assert_eq!(build(ProofPlan::consistency(old, 7).unwrap(), &hashes()[..7]), example(path), "size {old}");
    }
}

#[test]
fn impossible_proofs_are_refused() {
    assert_eq!(ProofPlan::inclusion(7, 7), Err(PlanError::NoSuchLeaf { index: 7, size: 7 }));
    assert_eq!(ProofPlan::consistency(8, 7), Err(PlanError::OldIsLarger { old: 8, new: 7 }));
    let missing = PlanError::MissingHash(Node { height: 0, index: 1 });
    assert_eq!(ProofPlan::inclusion(0, 2).unwrap().build(|_| None), Err(missing));
}

#[test]
fn hashes_have_one_form_in_base64() {
    let hash = leaf_hash(b"entry");
    assert_eq!(Hash::from_base64(&hash.to_base64()), Ok(hash));
    assert_eq!(Hash::from_hex(&hash.to_string()), Ok(hash));
    let text = hash.to_base64();
    let bad_bits = format!("{}B=", "A".repeat(42));
    for bad in ["", text.trim_end_matches('='), &text[4..], &format!("{text}\n"), &bad_bits, &text.replace(char::is_alphabetic, "-")] {
        assert_eq!(Hash::from_base64(bad), Err(InvalidHash), "{bad:?}");
    }
    assert_eq!(Hash::from_hex("00"), Err(InvalidHash));
}
