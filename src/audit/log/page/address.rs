//! The address of the list: the search, and the position.

use axum::http::request::Parts;
use leptos::prelude::use_context;

use crate::{
    audit::{
        log::chart::Span,
        query::{Created, DEFAULT_PERIOD, Filter, Qualifier, Query, Term, Value},
    },
    ui::form_response::with_query,
};

/// Path of the list.
pub const PAGE: &str = "/audit";
/// Value of `chart` for a bar an hour.
const HOURS: &str = "hours";

/// What the list shows. All of it is in the address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListAddress {
    /// The text of the search: that of the chips, and what was typed beside them.
    pub text: String,
    /// Cursor of the page. `None`: the first page.
    pub cursor: Option<String>,
    /// The qualifier that the box begins with, for somebody to write its value.
    pub write: Option<Qualifier>,
    /// What a bar of the chart stands for.
    pub span: Span,
}

/// A term of the search that stands beside the box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chip {
    /// The qualifier with its sign and colon.
    pub key: String,
    /// The value.
    pub value: String,
    /// Address of the list without it.
    pub without: String,
}

impl ListAddress {
    /// Reads the address of the page. The parameter `q` may be repeated: a form sends the chips and what was typed.
    pub fn of_page() -> Self {
        let uri = use_context::<Parts>().map(|parts| parts.uri.clone()).unwrap_or_default(); // while Leptos lists the routes
        Self::parse(uri.query().unwrap_or_default())
    }

    fn parse(query: &str) -> Self {
        let fields: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default(); // not written by us: ignored
        let of = |name: &'static str| fields.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.trim());
        let text: Vec<&str> = of("q").filter(|text| !text.is_empty()).collect();
        Self {
            text: text.join(" "),
            cursor: of("cursor").find(|cursor| !cursor.is_empty()).map(str::to_owned),
            write: of("write").find_map(|key| Qualifier::ALL.into_iter().find(|qualifier| qualifier.key() == key)),
            span: if of("chart").any(|span| span == HOURS) { Span::Hours } else { Span::Days },
        }
    }
}

/// Returns the address of a search.
pub fn search(text: &str) -> String {
    if text.is_empty() { PAGE.to_owned() } else { with_query(PAGE, &[("q", text)]) }
}

/// Returns the address of the list with a chart of days or hours.
pub fn chart(span: Span) -> String {
    match span {
        Span::Days => PAGE.to_owned(),
        Span::Hours => with_query(PAGE, &[("chart", HOURS)]),
    }
}

/// Returns the address of a later page of a search.
pub fn page(query: &Query, cursor: &str) -> String {
    let text = query.to_string();
    let fields = [("q", text.as_str()), ("cursor", cursor)];
    with_query(PAGE, if text.is_empty() { &fields[1..] } else { &fields })
}

/// Returns the address that writes a qualifier into the box.
pub fn write(query: &Query, qualifier: Qualifier) -> String {
    let text = query.to_string();
    let fields = [("q", text.as_str()), ("write", qualifier.key())];
    with_query(PAGE, if text.is_empty() { &fields[1..] } else { &fields })
}

/// Returns the address of the same search in another period.
pub fn in_period(query: &Query, period: &str) -> String {
    query.with(Qualifier::Created, period).map_or_else(|_| PAGE.to_owned(), |query| search(&query.to_string()))
}

/// Returns the terms with qualifiers, and the period that is meant without one.
pub fn chips(query: &Query) -> Vec<Chip> {
    let terms = query.terms.iter().enumerate();
    let mut chips: Vec<Chip> = terms.filter_map(|(index, term)| Some(chip(term.filter()?, query.without(index)))).collect();
    if period(query).is_none() {
        let value = DEFAULT_PERIOD.to_string();
        chips.insert(0, Chip { key: "created:".to_owned(), value, without: in_period(query, "all") });
    }
    chips
}

fn chip(filter: &Filter, without: Query) -> Chip {
    let sign = if filter.is_negated { "-" } else { "" };
    Chip { key: format!("{sign}{}:", filter.qualifier.key()), value: filter.value.to_string(), without: search(&without.to_string()) }
}

/// Returns the period of a query. `None`: the default.
pub fn period(query: &Query) -> Option<&Created> {
    query.terms.iter().filter_map(Term::filter).find_map(|filter| match &filter.value {
        Value::Created(created) => Some(created),
        _ => None,
    })
}

/// Divides a query into the text of its chips, and the words, which stay in the box.
pub fn divide(query: &Query) -> (String, String) {
    let (filters, words): (Vec<Term>, Vec<Term>) = query.terms.iter().cloned().partition(|term| term.filter().is_some());
    (Query { terms: filters }.to_string(), Query { terms: words }.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Query {
        Query::parse(text).unwrap()
    }

    #[test]
    fn a_form_sends_chips_and_words() {
        let address = ListAddress::parse("q=actor%3Aalice&q=+Alpha+plant%3AB&cursor=x&other=1");
        assert_eq!((address.text.as_str(), address.cursor.as_deref()), ("actor:alice Alpha plant:B", Some("x")));
        assert_eq!(divide(&query(&address.text)), ("actor:alice plant:B".to_owned(), "Alpha".to_owned()));
        assert_eq!(ListAddress::parse("q=&write=plant").write, Some(Qualifier::Plant));
        assert_eq!(ListAddress::parse("%"), ListAddress::default());
    }

    #[test]
    fn each_chip_leads_to_the_search_without_it() {
        let chips = chips(&query("-action:audit.read Alpha"));
        let texts: Vec<_> = chips.iter().map(|chip| (chip.key.as_str(), chip.value.as_str(), chip.without.as_str())).collect();
        let expected = [
            ("created:", "last 3 months", "/audit?q=-action%3Aaudit.read+Alpha+created%3Aall"),
            ("-action:", "audit.read", "/audit?q=Alpha"),
        ];
        assert_eq!(texts, expected);
        assert_eq!(super::chips(&query("created:all"))[0].without, "/audit");
    }

    #[test]
    fn pages_keep_the_search() {
        assert_eq!(page(&query("actor:alice"), "x"), "/audit?q=actor%3Aalice&cursor=x");
        assert_eq!(
            (page(&query(""), "x"), write(&query(""), Qualifier::Plant)),
            ("/audit?cursor=x".to_owned(), "/audit?write=plant".to_owned())
        );
        assert_eq!(in_period(&query("created:2026-05-01 Alpha"), "all"), "/audit?q=created%3Aall+Alpha");
    }
}
