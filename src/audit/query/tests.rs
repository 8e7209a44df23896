//! Examples and mistakes as tables, and properties of all texts.

use chrono::{DateTime, Days, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Query {
    Query::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

/// What is written, and its canonical text.
const EXAMPLES: &[(&str, &str)] = &[
    ("", ""),
    ("  solarpark \n Süd ", "solarpark Süd"),
    ("\"Solarpark Süd\"", "\"Solarpark Süd\""),
    ("Actor:\"Alice Lindqvist\" -ACTOR:bob", "actor:\"Alice Lindqvist\" -actor:bob"),
    ("actor:\"alice\"", "actor:alice"),
    ("actor:“Alice Lindqvist” „Solarpark Süd“", "actor:\"Alice Lindqvist\" \"Solarpark Süd\""),
    (r#"plant:"the \"old\" one" device:"a\b c" x\y"#, r#"plant:"the \"old\" one" device:"a\\b c" x\y"#),
    ("subject:0198-a organization:o portfolio:p session:s token:t", "subject:0198-a organization:o portfolio:p session:s token:t"),
    ("action:session.revoked -action:Session.*", "action:session.revoked -action:session.*"),
    ("outcome:Refused country:de", "outcome:refused country:DE"),
    ("ip:192.0.2.7 ip:192.0.2.7/24 ip:192.0.2.7/32 ip:192.0.2.7/0", "ip:192.0.2.7 ip:192.0.2.0/24 ip:192.0.2.7 ip:0.0.0.0/0"),
    ("ip:2001:DB8::1 -ip:2001:db8::1/32 ip:::ffff:192.0.2.7/120 ip:::/0", "ip:2001:db8::1 -ip:2001:db8::/32 ip:192.0.2.0/24 ip:::/0"),
    ("10:30 2001:db8::/32 dead:beef::1 :x a-b", "10:30 2001:db8::/32 dead:beef::1 :x a-b"),
    ("\"-x\" \"actor:alice\" \"foo:bar\" \" x \" \"\u{201C}\"", "\"-x\" \"actor:alice\" \"foo:bar\" x \"\u{201C}\""),
    ("created:\"Last 3 MONTHS\"", "created:\"last 3 months\""),
    ("created:\"last 1 hours\"", "created:\"last 1 hour\""),
    ("created:ALL", "created:all"),
    ("created:>=2026-05-01 created:<2026-05-03", "created:>=2026-05-01 created:<2026-05-03"),
    ("created:>2026-05-01T10:00 created:<=2026-05-01T10:00:30", "created:>2026-05-01T10:00 created:<=2026-05-01T10:00:30"),
    ("created:\"2026-05-01 10:00 .. 2026-05-03\"", "created:2026-05-01T10:00..2026-05-03"),
    ("created:2026-05-01t10:00:00.5+02:00", "created:2026-05-01T10:00:00.500000+02:00"),
    ("created:2026-05-01T10:00:00.1234567z", "created:2026-05-01T10:00:00.123456Z"),
    ("created:2026-05-01..2026-05-01", "created:2026-05-01..2026-05-01"),
    ("created:2026-05-01T10:00..2026-05-01", "created:2026-05-01T10:00..2026-05-01"),
];

#[test]
fn examples_have_a_canonical_text() {
    for (text, canonical) in EXAMPLES {
        assert_eq!(parse(text).to_string(), *canonical, "{text}");
        assert_eq!(parse(canonical), parse(text), "{text}");
    }
}

#[test]
fn terms_have_types() {
    let filter = |qualifier, is_negated, value| Term::Filter(Filter { qualifier, is_negated, value });
    let terms = vec![
        filter(Qualifier::Plant, false, Value::Text("Solarpark Süd".to_owned())),
        filter(Qualifier::Action, true, Value::Action(ActionPattern::AllOf("audit".to_owned()))),
        filter(Qualifier::Action, false, Value::Action(ActionPattern::One("session.revoked".to_owned()))),
        filter(Qualifier::Ip, false, Value::Ip(IpNetwork { address: [192, 0, 2, 0].into(), prefix: 24 })),
        filter(Qualifier::Country, false, Value::Country("DE".to_owned())),
        filter(Qualifier::Outcome, false, Value::Outcome(Outcome::Refused)),
        filter(Qualifier::Created, false, Value::Created(Created::Last(30, Unit::Days))),
        Term::Word("Inverter".to_owned()),
    ];
    let text = "plant:\"Solarpark Süd\" -action:audit.* action:session.revoked ip:192.0.2.9/24 country:de outcome:refused \
                created:\"last 30 days\" Inverter";
    assert_eq!(parse(text), Query { terms });
}

/// What is written, and parts of the message.
const MISTAKES: &[(&str, &[&str])] = &[
    ("user:alice", &["no qualifier “user:”", "actor:, subject:, action:", "put it in quotes"]),
    ("https://example.com", &["no qualifier “https:”"]),
    ("größe:3", &["no qualifier “größe:”"]),
    ("actor:", &["Nothing follows “actor:”", "actor:\"Alice Lindqvist\""]),
    ("actor: alice", &["Nothing follows “actor:”", "without a space"]),
    ("plant:\" \"", &["Nothing follows “plant:”"]),
    ("\"\"", &["nothing between the quotes"]),
    ("“”", &["nothing between the quotes"]),
    ("x plant:\"Solarpark Süd", &["“plant:\"Solarpark Süd” is not closed"]),
    ("plant:\"Solarpark\"Süd x", &["“plant:\"Solarpark\"Süd” is in the middle"]),
    ("5\"", &["“5\"” is in the middle", "written \\\"."]),
    ("-solar", &["“-solar” excludes a word", "-actor:alice"]),
    ("-\"a b\" c", &["“-\"a b\"” excludes a word"]),
    ("a - b", &["“-” excludes a word"]),
    ("--actor:alice", &["“--actor:alice” excludes a word"]),
    ("action:session", &["“session” is not possible after “action:”", "action:session.revoked", "action:session.*"]),
    ("action:*", &["“*” is not possible"]),
    ("action:*.revoked", &["“*.revoked” is not possible"]),
    ("action:a.b.c", &["“a.b.c” is not possible"]),
    ("action:session.rev*", &["“session.rev*” is not possible"]),
    ("outcome:allowed", &["“allowed” is not possible after “outcome:”", "outcome:success or outcome:refused"]),
    ("ip:192.0.2", &["“192.0.2” is not possible after “ip:”", "192.0.2.0/24"]),
    ("ip:192.0.2.0/33", &["/33"]),
    ("ip:::/129", &["/129"]),
    ("ip:192.0.2.0/+8", &["/+8"]),
    ("ip:192.0.2.0/", &["“192.0.2.0/”"]),
    ("ip:192.0.2.*", &["“192.0.2.*”"]),
    ("country:Germany", &["“Germany” is not possible after “country:”", "two letters", "country:DE"]),
    ("country:é", &["“é” is not possible"]),
    ("created:yesterday", &["“yesterday” is not possible", "created:2026-05-01", "\"last 30 days\"", "created:all"]),
    ("created:last 3 months", &["“last” is not possible", "created:\"last 30 days\""]),
    ("created:\"last month\"", &["“last month” is not possible"]),
    ("created:\"last 0 days\"", &["“last 0 days” is not possible"]),
    ("created:\"last 99999 days\"", &["“last 99999 days” is not possible"]),
    ("created:\"last 3 months ago\"", &["“last 3 months ago” is not possible"]),
    ("created:2026-02-30", &["“2026-02-30” is not possible"]),
    ("created:26-02-03", &["“26-02-03” is not possible"]),
    ("created:01.05.2026", &["“01.05.2026” is not possible"]),
    ("created:2026-05-01..", &["“2026-05-01..” is not possible"]),
    ("created:2026-05-01T25:00", &["T25:00"]),
    ("created:2026-05-01T23:59:60", &["T23:59:60"]),
    ("created:2026-05-01T10:00+99:00", &["+99:00"]),
    ("created:>=", &["“>=” is not possible"]),
    ("created:=2026-05-01", &["“=2026-05-01” is not possible"]),
    ("-created:2026-05-01", &["“-created:” is not possible", "created:<2026-05-01"]),
    ("created:2026-05-01 created:2026-05-03", &["several periods", "2026-05-01..2026-05-03"]),
    ("created:all created:<2026-05-03", &["several periods"]),
    ("created:\"last 2 days\" created:>2026-05-03", &["several periods"]),
    ("created:2026-05-03..2026-05-01", &["ends (2026-05-01) before it starts (2026-05-03)"]),
    ("created:>=2026-05-03T10:00 created:<2026-05-03T09:00", &["ends (2026-05-03T09:00) before it starts"]),
    ("created:2026-05-03T10:00Z..2026-05-03T11:00+02:00", &["before it starts (2026-05-03T10:00Z)"]),
    ("a\0b", &["control character"]),
];

#[test]
fn mistakes_have_clear_messages() {
    for (text, parts) in MISTAKES {
        let message = Query::parse(text).expect_err(text).to_string();
        for part in *parts {
            assert!(message.contains(part), "{text}: {message}");
        }
        assert!(message.ends_with('.'), "{text}: {message}");
    }
}

#[test]
fn long_values_are_shortened_in_messages() {
    let message = Query::parse(&format!("country:{}", "ü".repeat(500))).unwrap_err().to_string();
    assert!(message.starts_with(&format!("“{}…”", "ü".repeat(40))), "{message}");
}

#[test]
fn length_and_number_of_terms_are_limited() {
    assert!(Query::parse(&"ü".repeat(MAX_CHARACTERS)).is_ok());
    assert_eq!(Query::parse(&"ü".repeat(1_001)), Err(QueryError::TooLong { characters: 1_001 }));
    assert!(Query::parse(&"x ".repeat(MAX_TERMS)).is_ok());
    assert_eq!(Query::parse(&"x ".repeat(21)), Err(QueryError::TooManyTerms { terms: 21 }));
    // The canonical text has two backslashes for one.
    assert_eq!(Query::parse(&format!("\"{} \"", r"a\ ".repeat(300))), Err(QueryError::TooLong { characters: 1_201 }));
    assert!(matches!(parse("x").with(Qualifier::Plant, &"y".repeat(1_000)), Err(QueryError::TooLong { .. })));
    assert!(matches!(parse(&"x ".repeat(MAX_TERMS)).with(Qualifier::Plant, "y"), Err(QueryError::TooManyTerms { .. })));
    assert_eq!(parse("x").with(Qualifier::Plant, "a\0b"), Err(QueryError::ControlCharacter));
}

#[test]
fn terms_are_removed() {
    let query = parse("created:\"last 3 months\" -action:audit.read Süd");
    let texts = (0..4).map(|index| query.without(index).to_string());
    let expected = ["-action:audit.read Süd", "created:\"last 3 months\" Süd", "created:\"last 3 months\" -action:audit.read"];
    assert!(texts.take(3).eq(expected));
    assert_eq!(query.without(3), query);
}

#[test]
fn values_are_added_or_replace_others() {
    for (text, qualifier, value, expected) in [
        ("", Qualifier::Plant, "Solarpark Süd", "plant:\"Solarpark Süd\""),
        ("Süd -plant:a plant:b x plant:c", Qualifier::Plant, "d", "Süd -plant:a plant:d x"),
        ("-plant:a x", Qualifier::Plant, "a", "plant:a x"),
        ("-plant:a x", Qualifier::Plant, "b", "-plant:a x plant:b"),
        ("created:>=2026-05-01 x created:<2026-05-03", Qualifier::Created, "last 48 hours", "created:\"last 48 hours\" x"),
        ("x", Qualifier::Actor, "the \"admin\"", r#"x actor:"the \"admin\"""#),
    ] {
        assert_eq!(parse(text).with(qualifier, value).unwrap().to_string(), expected, "{text}");
    }
    assert!(matches!(parse("").with(Qualifier::Country, "Germany"), Err(QueryError::InvalidValue { .. })));
    assert!(matches!(parse("").with(Qualifier::Session, ""), Err(QueryError::EmptyValue { .. })));
}

#[test]
fn qualifiers_are_distinct_and_have_texts() {
    for (index, qualifier) in Qualifier::ALL.into_iter().enumerate() {
        assert_eq!(Qualifier::ALL.iter().position(|other| other.key() == qualifier.key()), Some(index));
        assert!(!qualifier.label().is_empty() && !qualifier.description().ends_with('.') && qualifier.hint().ends_with('.'));
        assert!(qualifier.hint().contains(&format!("{}:", qualifier.key())), "{qualifier:?}");
    }
}

/// Query, zone, start and end, at 12:00 UTC on 20 May 2026.
const PERIODS: &[(&str, &str, &str, &str)] = &[
    ("", "Europe/Berlin", "2026-02-20T13:00:00Z", ""), // 14:00 in summer as in winter
    ("x -action:audit.read", "UTC", "2026-02-20T12:00:00Z", ""),
    ("created:\"last 3 months\"", "Europe/Berlin", "2026-02-20T13:00:00Z", ""),
    ("created:\"last 30 days\"", "Europe/Berlin", "2026-04-20T12:00:00Z", ""),
    ("created:\"last 60 days\"", "Europe/Berlin", "2026-03-21T13:00:00Z", ""),
    ("created:\"last 2 weeks\"", "UTC", "2026-05-06T12:00:00Z", ""),
    ("created:\"last 48 hours\"", "Europe/Berlin", "2026-05-18T12:00:00Z", ""),
    ("created:all", "UTC", "", ""),
    ("created:2026-05-01", "Europe/Berlin", "2026-04-30T22:00:00Z", "2026-05-01T22:00:00Z"),
    ("created:2026-05-01..2026-05-03", "Europe/Berlin", "2026-04-30T22:00:00Z", "2026-05-03T22:00:00Z"),
    ("created:>=2026-05-01", "America/New_York", "2026-05-01T04:00:00Z", ""),
    ("created:>2026-05-01", "America/New_York", "2026-05-02T04:00:00Z", ""),
    ("created:<2026-05-03", "America/New_York", "", "2026-05-03T04:00:00Z"),
    ("created:<=2026-05-03", "America/New_York", "", "2026-05-04T04:00:00Z"),
    ("created:<2026-05-03 created:>=2026-05-01", "UTC", "2026-05-01T00:00:00Z", "2026-05-03T00:00:00Z"),
    ("created:\"last 48 hours\" created:<2026-05-19", "UTC", "2026-05-18T12:00:00Z", "2026-05-19T00:00:00Z"),
    ("created:\"last 48 hours\" created:<2026-05-01", "UTC", "2026-05-18T12:00:00Z", "2026-05-18T12:00:00Z"), // nothing
    ("created:2026-05-01T10:00", "Europe/Berlin", "2026-05-01T08:00:00Z", "2026-05-01T08:01:00Z"),
    ("created:2026-05-01T10:00:00", "Europe/Berlin", "2026-05-01T08:00:00Z", "2026-05-01T08:00:01Z"),
    ("created:2026-05-01T10:00Z", "Europe/Berlin", "2026-05-01T10:00:00Z", "2026-05-01T10:01:00Z"),
    ("created:<=2026-05-01T10:00:00.000001-03:30", "Europe/Berlin", "", "2026-05-01T13:30:00.000002Z"),
    // Days of 23 and 25 hours.
    ("created:2026-03-29", "Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
    ("created:2026-10-25", "Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
    // Clocks in Beirut are put forward at midnight; those in Havana back from 1:00 to midnight; those in Santiago from midnight to 23:00.
    ("created:2026-03-29", "Asia/Beirut", "2026-03-28T22:00:00Z", "2026-03-29T21:00:00Z"),
    ("created:2026-03-28", "Asia/Beirut", "2026-03-27T22:00:00Z", "2026-03-28T22:00:00Z"),
    ("created:2026-11-01", "America/Havana", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"),
    ("created:2026-04-04", "America/Santiago", "2026-04-04T03:00:00Z", "2026-04-05T04:00:00Z"),
    // A day that Samoa skipped.
    ("created:2011-12-30", "Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z"),
    // Times that clocks skip, and that they show twice.
    ("created:2026-03-29T02:30", "Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z"),
    ("created:2026-03-29T01:00..2026-03-29T02:30", "Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z"),
    ("created:2026-10-25T02:30", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T01:31:00Z"),
    ("created:2026-10-25T01:59", "Europe/Berlin", "2026-10-24T23:59:00Z", "2026-10-25T00:00:00Z"),
    ("created:2026-10-25T02:00+02:00..2026-10-25T02:59+02:00", "Europe/Berlin", "2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z"),
];

#[test]
fn periods_are_in_the_time_zone_of_the_reader() {
    for (text, tz, start, end) in PERIODS {
        let time = |text: &str| (!text.is_empty()).then(|| at(text));
        let range = parse(text).range(at("2026-05-20T12:00:00Z"), tz.parse().unwrap());
        assert_eq!(range, (time(start), time(end)), "{text} in {tz}");
    }
}

/// Terms that are often valid.
fn written_term() -> impl Strategy<Value = String> {
    let name = prop::sample::select(Qualifier::ALL.map(Qualifier::key).to_vec());
    let text = "[a-z.*\"\\\\:“” -]{0,8}|\"(\\\\[\"\\\\]|[^\"\\\\]){0,12}\"";
    let filter = prop_oneof![
        (name, text).prop_map(|(name, value)| format!("{name}:{value}")),
        written_moment().prop_map(|moment| format!("created:{moment}")),
        (written_moment(), written_moment()).prop_map(|(first, last)| format!("created:{first}..{last}")),
        "created:\"last [0-9]{1,5} (hours?|days|weeks|months)\"",
        "ip:([0-9a-f]{1,4}:){1,7}(:[0-9a-f]{0,4}){0,3}(/[0-9]{1,3})?",
        "ip:[0-9]{1,2}(\\.[0-9]{1,3}){3}(/[0-9]{1,2})?",
        "(country:[a-zA-Z]{2})|(action:[a-z_]{1,5}\\.([a-z_]{1,5}|\\*))|(outcome:(success|refused))",
    ];
    ("-?", prop_oneof![4 => filter, 1 => text.prop_map(String::from)]).prop_map(|(sign, term)| sign + &term)
}

/// Days and times that are often valid, with and without an operator.
fn written_moment() -> impl Strategy<Value = String> {
    let time = "(T[0-2][0-9]:[0-5][0-9](:[0-6][0-9](\\.[0-9]{1,9})?)?(Z|[+-][0-2][0-9]:[0-5][0-9])?)?";
    ("(>=|<=|>|<)?", "20[0-9]{2}-(0[1-9]|1[0-3])-[0-3][0-9]", time).prop_map(|(operator, day, time)| operator + &day + &time)
}

/// An instant in the time of today's rules, and a zone.
fn instant_and_zone() -> impl Strategy<Value = (DateTime<Utc>, Tz)> {
    let seconds = at("2015-01-01T00:00:00Z").timestamp()..at("2038-01-01T00:00:00Z").timestamp();
    (seconds, prop::sample::select(chrono_tz::TZ_VARIANTS.to_vec()))
        .prop_map(|(seconds, tz)| (DateTime::from_timestamp(seconds, 0).unwrap(), tz))
}

fn check_round_trip(text: &str) -> Result<(), TestCaseError> {
    let Ok(query) = Query::parse(text) else { return Ok(()) };
    let canonical = query.to_string();
    prop_assert_eq!(Query::parse(&canonical), Ok(query.clone()), "{}", canonical);
    let (start, end) = query.range(at("2026-05-20T12:00:00Z"), Tz::Europe__Berlin);
    prop_assert!(start.zip(end).is_none_or(|(start, end)| start <= end), "{}", canonical);
    for index in 0..query.terms.len() {
        let fewer = query.without(index);
        prop_assert_eq!(Query::parse(&fewer.to_string()), Ok(fewer));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_text_panics(text in "\\PC{0,60}|(?s:.){0,60}") {
        check_round_trip(&text)?;
    }

    #[test]
    fn canonical_texts_parse_to_the_same_query(terms in prop::collection::vec(written_term(), 1..4)) {
        for term in &terms {
            check_round_trip(term)?;
        }
        check_round_trip(&terms.join(" "))?;
    }

    #[test]
    fn every_value_can_be_added(value in "(?s:.){1,30}", qualifier in prop::sample::select(vec![Qualifier::Actor, Qualifier::Plant])) {
        if let Ok(query) = parse("-actor:x y").with(qualifier, &value) {
            let is_added = query.terms.iter().filter_map(Term::filter).any(|filter| filter.value == Value::Text(value.trim().to_owned()));
            prop_assert!(is_added);
            prop_assert_eq!(Query::parse(&query.to_string()), Ok(query));
        } else {
            prop_assert!(value.trim().is_empty() || value.chars().any(char::is_control));
        }
    }

    #[test]
    fn a_day_has_the_instants_of_its_date((instant, tz) in instant_and_zone()) {
        check_day(instant, tz)?;
    }

    #[test]
    fn a_time_has_the_instants_that_clocks_show_it((instant, tz) in instant_and_zone()) {
        check_times(instant, tz)?;
    }
}

fn local(instant: DateTime<Utc>, tz: Tz) -> NaiveDateTime {
    instant.with_timezone(&tz).naive_local()
}

fn check_day(instant: DateTime<Utc>, tz: Tz) -> Result<(), TestCaseError> {
    let (day, moment) = (local(instant, tz).date(), TimeDelta::microseconds(1));
    let (Some(start), Some(end)) = parse(&format!("created:{day}")).range(instant, tz) else { panic!("a day has limits") };
    prop_assert!((start..end).contains(&instant), "{} {}: {} {}", day, tz, start, end);
    for (edge, is_inside) in [(start - moment, false), (start, true), (end - moment, true), (end, false)] {
        prop_assert_eq!(local(edge, tz).date() == day, is_inside, "{} {}: {}", day, tz, edge);
    }
    let next = parse(&format!("created:>={}", day + Days::new(1))).range(instant, tz);
    prop_assert_eq!(next.0, Some(end));
    Ok(())
}

fn check_times(instant: DateTime<Utc>, tz: Tz) -> Result<(), TestCaseError> {
    let minute = local(instant, tz).format("%Y-%m-%dT%H:%M");
    let range = |operator: &str| parse(&format!("created:{operator}{minute}")).range(instant, tz);
    let (Some(start), Some(end)) = range("") else { panic!("a minute has limits") };
    prop_assert!((start..end).contains(&instant), "{} {}: {} {}", minute, tz, start, end);
    prop_assert_eq!((range(">=").0, range("<").1), (Some(start), Some(start)));
    prop_assert_eq!((range(">").0, range("<=").1), (Some(end), Some(end)));
    Ok(())
}

/// Instants around every change of every zone's clocks, which random ones seldom meet.
#[test]
fn days_and_times_are_right_around_every_change_of_clocks() {
    let zones = chrono_tz::TZ_VARIANTS.into_iter();
    let changes = zones.flat_map(|tz| changes_of_2026(tz).into_iter().map(move |change| (change, tz)));
    for (change, tz) in changes {
        for minutes in (-180..=180).step_by(10) {
            let instant = change + TimeDelta::minutes(minutes);
            check_day(instant, tz).and_then(|()| check_times(instant, tz)).unwrap_or_else(|error| panic!("{tz} {instant}: {error}"));
        }
    }
}

/// Returns the hours of the year 2026 in which a zone's offset changes.
fn changes_of_2026(tz: Tz) -> Vec<DateTime<Utc>> {
    let offset = |instant: DateTime<Utc>| local(instant, tz) - instant.naive_utc();
    let is_changed = |start: &DateTime<Utc>, span| offset(*start) != offset(*start + span);
    let days = (0..365).map(|day| at("2026-01-01T00:00:00Z") + TimeDelta::days(day)).filter(|day| is_changed(day, TimeDelta::days(1)));
    let hours = days.flat_map(|day| (0..24).map(move |hour| day + TimeDelta::hours(hour)));
    hours.filter(|hour| is_changed(hour, TimeDelta::hours(1))).collect()
}
