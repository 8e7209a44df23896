//! The description of the API as a page to read: drawn by the server, without a script.

use std::sync::LazyLock;

use leptos::prelude::*;
use leptos_meta::Title;
use serde_json::{Map, Value};

use crate::ui::icon::mark;

/// The description, as it is served: read once.
static DESCRIPTION: LazyLock<Value> = LazyLock::new(|| serde_json::to_value(super::description()).expect("a description is JSON"));

/// The page.
#[component]
pub fn DocsPage() -> impl IntoView {
    let api = &*DESCRIPTION;
    let groups = items(&api["tags"]).map(|tag| view! { <Group tag /> }).collect_view();
    let schemas = entries(&api["components"]["schemas"]).filter(|(_, schema)| is_shape(schema));
    let schemas = schemas.map(|(name, schema)| view! { <Schema name schema /> }).collect_view();
    let contents =
        items(&api["tags"]).map(|tag| view! { <li><a href=format!("#{}", slug(text(&tag["name"])))>{text(&tag["name"])}</a></li> });
    view! {
        <Title text="API" />
        <a class="skip" href="#main">"Skip to content"</a>
        <header class="bar"><a class="home" href="/">{mark()}"Whereabouts"</a></header>
        <main id="main" class="docs">
            <h1>"The API"</h1>
            {paragraphs(&api["info"]["description"])}
            <nav aria-label="Contents"><ul>
                {contents.collect_view()}
                <li><a href="#shapes">"Shapes"</a></li>
                <li><a href="/api/openapi.json">"openapi.json"</a></li>
            </ul></nav>
            {groups}
            <h2 id="shapes">"Shapes"</h2>
            {schemas}
        </main>
    }
}

/// The operations of one tag.
#[component]
fn Group(tag: &'static Value) -> impl IntoView {
    let name = text(&tag["name"]);
    let operations =
        entries(&DESCRIPTION["paths"]).flat_map(|(path, methods)| entries(methods).map(move |(method, it)| (path, method, it)));
    let mut operations: Vec<_> = operations.filter(|(_, _, operation)| items(&operation["tags"]).any(|tag| tag == name)).collect();
    // To look comes before to change, and to end comes last.
    operations.sort_by_key(|(_, method, _)| ["get", "post", "put", "delete"].iter().position(|known| known == method));
    view! {
        <h2 id=slug(name)>{name}</h2>
        <p>{text(&tag["description"])}</p>
        {operations.into_iter().map(|(path, method, operation)| view! { <Operation path method operation /> }).collect_view()}
    }
}

#[component]
fn Operation(path: &'static str, method: &'static str, operation: &'static Value) -> impl IntoView {
    let body = schema_of(&operation["requestBody"]);
    let parameters: Vec<_> = items(&operation["parameters"]).collect();
    let is_open = operation["security"].as_array().is_some_and(|ways| ways.iter().all(|way| way.as_object().is_some_and(Map::is_empty)));
    let answers = entries(&operation["responses"]).map(|(status, answer)| view! { <Answer status answer /> }).collect_view();
    view! {
        <section class="card operation" aria-label=text(&operation["summary"])>
            <h3>{text(&operation["summary"])}</h3>
            <p class="call"><span class=format!("method {method}")>{method.to_uppercase()}</span><code>{path}</code></p>
            {paragraphs(&operation["description"])}
            {is_open.then(|| view! { <p class="hint">"Needs no session."</p> })}
            {(!parameters.is_empty()).then(|| view! { <h4>"Parameters"</h4><dl>{parameters.into_iter().map(parameter).collect_view()}</dl> })}
            {body.map(|body| view! { <p>"Body: "{named(body)}</p> })}
            <details>
                <summary>"Answers"</summary>
                <dl>{answers}</dl>
            </details>
        </section>
    }
}

fn parameter(parameter: &'static Value) -> impl IntoView {
    let place = format!(" in the {}", text(&parameter["in"]));
    view! {
        <dt><code>{text(&parameter["name"])}</code><span class="hint">{place}", "{named(&parameter["schema"])}</span></dt>
        <dd>{inline(text(&parameter["description"]))}</dd>
    }
}

#[component]
fn Answer(status: &'static str, answer: &'static Value) -> impl IntoView {
    view! {
        <dt><code>{status}</code>{schema_of(answer).map(|shape| view! { <span class="hint">" "{named(shape)}</span> })}</dt>
        <dd>{text(&answer["description"]).lines().map(|line| view! { <p>{inline(line)}</p> }).collect_view()}</dd>
    }
}

/// What an object holds, or which words there are.
#[component]
fn Schema(name: &'static str, schema: &'static Value) -> impl IntoView {
    let words = items(&schema["enum"]).map(|word| view! { <code>{text(word)}</code>" " }).collect_view();
    let fields = entries(&schema["properties"]).map(|(field, it)| {
        view! {
            <dt><code>{field}</code><span class="hint">" "{named(it)}</span></dt>
            <dd>{paragraphs(&it["description"])}</dd>
        }
    });
    view! {
        <section class="card operation" id=format!("shape-{name}") aria-label=name>
            <h3>{name}</h3>
            {paragraphs(&schema["description"])}
            <p>{words}</p>
            <dl>{fields.collect_view()}</dl>
        </section>
    }
}

/// The schema of a body or an answer, whatever its media type.
fn schema_of(holder: &'static Value) -> Option<&'static Value> {
    entries(&holder["content"]).next().map(|(_, content)| &content["schema"])
}

/// Whether there is more to say of it than its type: an id is a string.
fn is_shape(schema: &Value) -> bool {
    schema["properties"].is_object() || schema["enum"].is_array()
}

/// What something is: a shape by its name and a link, else its type.
fn named(schema: &'static Value) -> AnyView {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        let target = &DESCRIPTION["components"]["schemas"][name];
        if !is_shape(target) {
            return named(target);
        }
        return view! { <a href=format!("#shape-{name}")>{name}</a> }.into_any();
    }
    // Something or null.
    if let Some(one) = items(&schema["oneOf"]).find(|one| one["type"] != "null") {
        return view! { {named(one)}" or nothing" }.into_any();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => {
            kinds.iter().map(text).map(|kind| if kind == "null" { "nothing" } else { kind }).collect::<Vec<_>>().join(" or ")
        }
        kind => text(kind).to_owned(),
    };
    match (kind.as_str(), schema["format"].as_str()) {
        ("array", _) => view! { "list of "{named(&schema["items"])} }.into_any(),
        (kind, Some("date-time")) => kind.replace("string", "time").into_any(),
        (kind, Some("uuid")) => kind.replace("string", "id").into_any(),
        (kind, _) => kind.to_owned().into_any(),
    }
}

fn paragraphs(words: &'static Value) -> AnyView {
    text(words).split("\n\n").filter(|words| !words.is_empty()).map(|words| view! { <p>{inline(words)}</p> }).collect_view().into_any()
}

/// What stands between backticks is code.
fn inline(words: &'static str) -> AnyView {
    let parts = words.split('`').enumerate();
    parts.map(|(at, part)| if at % 2 == 1 { view! { <code>{part}</code> }.into_any() } else { part.into_any() }).collect_view().into_any()
}

fn text(value: &'static Value) -> &'static str {
    value.as_str().unwrap_or_default() // not said: nothing to read
}

fn items(value: &'static Value) -> impl Iterator<Item = &'static Value> {
    value.as_array().into_iter().flatten()
}

fn entries(value: &'static Value) -> impl Iterator<Item = (&'static str, &'static Value)> {
    value.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

/// A heading's name in the page's address.
fn slug(name: &str) -> String {
    name.to_lowercase().replace(' ', "-")
}
