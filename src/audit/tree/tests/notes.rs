//! Keys, notes, checkpoints and proof files.

use proptest::prelude::*;

use super::*;

/// The example of C2SP signed-note.
const EXAMPLE_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const EXAMPLE_NOTE: &str = "This is an example message.\n\n\
    — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

/// The other example of C2SP signed-note: its text has an empty line.
const POEM: &str = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n\
    — quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";

/// The example of Go's package sumdb/note, with the seed of its private key.
const GO_SEED: &str = "810a1402d5146c8d84f2443330f54080ebf98ee17d9c74f6252fc5d5c7283173";
const GO_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const GO_NOTE: &str = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\
    — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

const ORIGIN: &str = "whereabouts.example/audit";

fn key(name: &str, seed: u8) -> SigningKey {
    SigningKey::from_seed(name, &[seed; 32]).unwrap()
}

fn parse(note: &str) -> Note {
    note.parse().unwrap()
}

#[test]
fn published_notes_are_verified() {
    for (key, note) in [(EXAMPLE_KEY, EXAMPLE_NOTE), (GO_KEY, GO_NOTE)] {
        let key: VerifierKey = key.parse().unwrap();
        assert_eq!(parse(note).verify(&key), Ok(note.split_inclusive("\n\n").next().unwrap().strip_suffix('\n').unwrap()));
        assert_eq!(parse(note).to_string(), note);
    }
    assert_eq!(parse(POEM).to_string(), POEM);
    assert_eq!(parse(POEM).verify(&EXAMPLE_KEY.parse().unwrap()), Err(NoteError::NotSigned));
}

#[test]
fn published_notes_are_signed_again() {
    let seed = hex::decode(GO_SEED).unwrap().try_into().unwrap();
    let key = SigningKey::from_seed("PeterNeumann", &seed).unwrap();
    assert_eq!(key.verifier().to_string(), GO_KEY);
    let text = GO_NOTE.split_once("\n\n").unwrap().0;
    assert_eq!(Note::sign(format!("{text}\n"), &key).unwrap().to_string(), GO_NOTE);
}

#[test]
fn keys_have_one_form() {
    for text in [EXAMPLE_KEY, GO_KEY, "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"] {
        assert_eq!(text.parse::<VerifierKey>().unwrap().to_string(), text);
    }
    let (id, format) = (Err(InvalidKey::Id), Err(InvalidKey::Format));
    for (from, to, error) in [
        ("530d903a", "530d903b", &id),
        ("530d903a", "530D903A", &id),
        ("example.com", "example.org", &id),
        ("+AekyeRrm", "+Aekye", &format),
        ("+Aeky", "+Bxky", &format),
        ("3U2k", "3U2kAAAA", &format),
        ("+530d903a", "", &format),
        ("example.com/foo", "", &Err(InvalidKey::Name)),
        ("example.com", "example com", &Err(InvalidKey::Name)),
    ] {
        assert_eq!(&EXAMPLE_KEY.replacen(from, to, 1).parse::<VerifierKey>(), error, "{to}");
    }
}

#[test]
fn names_of_keys_are_checked() {
    for name in ["", "a b", "a+b", "a\u{a0}b", "a\nb", "a\u{1}b", "\u{2003}", "\u{85}"] {
        assert_eq!(SigningKey::from_seed(name, &[1; 32]).err(), Some(InvalidKey::Name), "{name:?}");
    }
}

#[test]
fn debug_output_of_keys_has_no_secret() {
    let key = key("log", 0xab);
    assert_eq!(format!("{key:?}"), format!("SigningKey({})", key.verifier()));
    let secret = format!("{:?}", [0xab_u8; 32]);
    assert!(!format!("{key:#?}").contains(&secret) && !format!("{key:?}").contains("abab"));
}

#[test]
fn malformed_notes_are_refused() {
    let line = EXAMPLE_NOTE.split_once("\n\n").unwrap().1;
    for note in [
        String::new(),
        "text\n".into(),
        "text\n\n".into(),
        format!("text\n{line}"),
        format!("\n{line}"),
        format!("text\n\n{}", line.trim_end()),
        format!("text\n\n{line}\n"),
        format!("text\r\n\n{line}"),
        format!("te\txt\n\n{line}"),
        format!("text\n\n{line}no signature\n"),
        format!("text\n\n{}", line.replace('—', "-")),
        format!("text\n\n{}", line.replace("/foo ", "/foo  ")),
        format!("text\n\n{}", line.replace("/foo", "+foo")),
        format!("text\n\n{}", line.replace("example.com/foo ", "")),
        format!("text\n\n{}", line.replace("aQM=", "aQM")),
        format!("text\n\n{}", line.replace("aQM=", "aQM= ")),
        "text\n\n— log Uw2QOg==\n".into(),
        format!("{}\n\n{line}", "a".repeat(256 * 1024)),
    ] {
        assert_eq!(note.parse::<Note>(), Err(NoteError::Malformed), "{:?}", note.get(..80).unwrap_or(&note));
    }
}

#[test]
fn unknown_signatures_are_ignored_and_known_ones_must_verify() {
    let (log, same_name, stranger) = (key("log", 1), key("log", 2), key("other", 1));
    let lines = |text: &str, key: &SigningKey| Note::sign(text.into(), key).unwrap().to_string().split_once("\n\n").unwrap().1.to_owned();
    let note = |keys: &[&SigningKey]| parse(&keys.iter().fold("text\n\n".to_owned(), |note, key| note + &lines("text\n", key)));
    assert_eq!(note(&[&same_name, &log, &stranger]).verify(log.verifier()), Ok("text\n"));
    assert_eq!(note(&[&same_name, &stranger]).verify(log.verifier()), Err(NoteError::NotSigned));
    let forged = parse(&(note(&[&log]).to_string() + &lines("other\n", &log)));
    assert_eq!(forged.verify(log.verifier()), Err(NoteError::WrongSignature));
}

#[test]
fn texts_with_control_characters_are_not_signed() {
    for text in ["", "no newline", "a\tb\n", "a\r\n", "a\0\n"] {
        assert_eq!(Note::sign(text.into(), &key("log", 1)), Err(NoteError::InvalidText), "{text:?}");
    }
}

fn head() -> TreeHead {
    let root = Hash::from_base64("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=").unwrap();
    TreeHead { size: 20_852_163, root }
}

#[test]
fn checkpoints_are_those_of_the_specification() {
    let log = key("example.com/behind-the-sofa", 1);
    let note = Checkpoint::sign(head(), &log);
    let body = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    assert_eq!(note.verify(log.verifier()), Ok(body));
    let expected = Checkpoint { origin: "example.com/behind-the-sofa".into(), head: head() };
    assert_eq!(Checkpoint::open(&parse(&note.to_string()), log.verifier()), Ok(expected));
}

/// Signs any text and opens it as a checkpoint.
fn open(text: &str) -> Result<TreeHead, CheckpointError> {
    let log = key("log", 1);
    Ok(Checkpoint::open(&Note::sign(text.into(), &log)?, log.verifier())?.head)
}

#[test]
fn bodies_of_checkpoints_are_strict() {
    let root = head().root.to_base64();
    assert_eq!(open(&format!("log\n20852163\n{root}\n")), Ok(head()));
    assert_eq!(open(&format!("log\n20852163\n{root}\nextension\n")), Ok(head()));
    assert_eq!(open(&format!("other\n5\n{root}\n")), Err(CheckpointError::OtherOrigin("other".into())));
    for body in ["log\n5\n", "log\n05\nROOT\n", "log\n+5\nROOT\n", "log\n\nROOT\n", "\n5\nROOT\n", "log\n5\nROOT=\n", "log\n5\nROOT\n\n"] {
        assert_eq!(open(&body.replace("ROOT", &root)), Err(CheckpointError::Malformed), "{body:?}");
    }
    assert_eq!(open(&format!("log\n18446744073709551616\n{root}\n")), Err(CheckpointError::Malformed));
    assert_eq!(open("log\n5\nROOT"), Err(CheckpointError::Note(NoteError::InvalidText)));
}

fn proof(index: u64) -> TlogProof {
    let hashes = LOG.prove(&ProofPlan::inclusion(index, LOG.head.size).unwrap(), LOG.head.size);
    TlogProof { extra: None, index, hashes, checkpoint: Checkpoint::sign(LOG.head, &key(ORIGIN, 1)) }
}

#[test]
fn proof_files_prove_one_entry_of_one_log() {
    let (proof, key) = (proof(4_711), key(ORIGIN, 1));
    let entry = 4_711_u64.to_be_bytes();
    let read: TlogProof = proof.to_string().parse().unwrap();
    assert_eq!(read.verify(&entry, key.verifier()).unwrap().head, LOG.head);
    assert_eq!(read.verify(b"another", key.verifier()), Err(TlogProofError::Inclusion(InvalidProof)));
    let moved = TlogProof { index: 4_710, ..read.clone() };
    assert_eq!(moved.verify(&entry, key.verifier()), Err(TlogProofError::Inclusion(InvalidProof)));
    let stranger = SigningKey::from_seed(ORIGIN, &[2; 32]).unwrap();
    let not_signed = CheckpointError::Note(NoteError::NotSigned);
    assert_eq!(read.verify(&entry, stranger.verifier()), Err(TlogProofError::Checkpoint(not_signed)));
}

#[test]
fn proof_files_have_the_form_of_the_specification() {
    let log = key("log", 1);
    let head = TreeHead { size: 1, root: leaf_hash(b"entry") };
    let proof = TlogProof { extra: Some(b"more".into()), index: 0, hashes: vec![], checkpoint: Checkpoint::sign(head, &log) };
    let text = format!("c2sp.org/tlog-proof@v1\nextra bW9yZQ==\nindex 0\n\nlog\n1\n{}\n\n— log ", head.root.to_base64());
    assert!(proof.to_string().starts_with(&text));
    assert_eq!(proof.to_string().parse(), Ok(proof.clone()));
    assert_eq!(proof.verify(b"entry", log.verifier()).unwrap().head, head);
}

#[test]
fn malformed_proof_files_are_refused() {
    let text = proof(7).to_string();
    let hash = text.lines().nth(2).unwrap();
    for (from, to) in [
        ("@v1", "@v2"),
        ("index 7\n", ""),
        ("index 7", "index 07"),
        ("index 7", "index  7"),
        ("index 7", "index 7 "),
        ("index 7", "index -7"),
        ("index 7", "index 7\nextra AAAA"),
        ("index 7", "extra A\nindex 7"),
        ("index 7", "extra AAAA\nextra AAAA\nindex 7"),
        ("index 7\n", "index 7\r\n"),
        (hash, &hash[1..]),
        (hash, "A"),
    ] {
        assert_eq!(text.replacen(from, to, 1).parse::<TlogProof>(), Err(TlogProofError::Malformed), "{to:?}");
    }
    assert!(text.replacen("\n\n", "\n", 1).parse::<TlogProof>().is_err());
    assert!("".parse::<TlogProof>().is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn texts_are_signed_and_read_again(text in "([^\\p{C}]*\n){1,5}", seed: u8) {
        let key = key(ORIGIN, seed);
        let note = Note::sign(text.clone(), &key).unwrap();
        prop_assert_eq!(note.to_string().parse(), Ok(note.clone()));
        prop_assert_eq!(note.verify(key.verifier()), Ok(text.as_str()));
    }

    #[test]
    fn changed_notes_are_refused(at: prop::sample::Index, byte in 0..128_u8) {
        let mut bytes = EXAMPLE_NOTE.as_bytes().to_vec();
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != byte);
        bytes[at] = byte;
        let note = String::from_utf8(bytes).ok().and_then(|note| note.parse::<Note>().ok());
        prop_assert!(note.is_none_or(|note| note.verify(&EXAMPLE_KEY.parse().unwrap()).is_err()));
    }
}
