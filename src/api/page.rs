//! The description of the API as a page.

use std::sync::LazyLock;

use leptos::prelude::*;
use leptos_meta::Title;
use serde_json::{Map, Value};

use crate::ui::icon::mark;

/// The description as it is served, parsed once.
static DESCRIPTION: LazyLock<Value> = LazyLock::new(|| serde_json::to_value(super::description()).expect("a description is JSON"));

/// The page.
#[component]
pub fn DocsPage() -> impl IntoView {
    let api = &*DESCRIPTION;
    let groups = items(&api["tags"]).map(|tag| view! { <Group tag /> }).collect_view();
    let schemas = entries(&api["components"]["schemas"]).filter(|(_, schema)| has_fields_or_values(schema));
    let schemas = schemas.map(|(name, schema)| view! { <Schema name schema /> }).collect_view();
    let contents =
        items(&api["tags"]).map(|tag| view! { <li><a href=format!("#{}", slug(text(&tag["name"])))>{text(&tag["name"])}</a></li> });
    view! {
        <Title text="API" />
        <a class="skip" href="#main">"Skip to content"</a>
        <header class="bar"><a class="home" href="/">{mark()}"Whereabouts"</a></header>
        <main id="main" class="docs">
            <h1>"The API"</h1>
            {render_paragraphs(&api["info"]["description"])}
            <nav aria-label="Contents"><ul>
                {contents.collect_view()}
                <li><a href="#schemas">"Schemas"</a></li>
                <li><a href="/api/openapi.json">"openapi.json"</a></li>
            </ul></nav>
            {groups}
            <h2 id="schemas">"Schemas"</h2>
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
    // Reading comes before changing, and deleting comes last.
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
    let responses = entries(&operation["responses"]).map(|(status, response)| view! { <ApiResponse status response /> }).collect_view();
    view! {
        <section class="card operation" aria-label=text(&operation["summary"])>
            <h3>{text(&operation["summary"])}</h3>
            <p class="api-call"><span class=format!("method {method}")>{method.to_uppercase()}</span><code>{path}</code></p>
            {render_paragraphs(&operation["description"])}
            {is_open.then(|| view! { <p class="hint">"Requires no authentication."</p> })}
            {(!parameters.is_empty()).then(|| view! { <h4>"Parameters"</h4><dl>{parameters.into_iter().map(parameter).collect_view()}</dl> })}
            {body.map(|body| view! { <p>"Body: "{render_type(body)}</p> })}
            <details>
                <summary>"Responses"</summary>
                <dl>{responses}</dl>
            </details>
        </section>
    }
}

fn parameter(parameter: &'static Value) -> impl IntoView {
    let place = format!(" in the {}", text(&parameter["in"]));
    view! {
        <dt><code>{text(&parameter["name"])}</code><span class="hint">{place}", "{render_type(&parameter["schema"])}</span></dt>
        <dd>{render_inline(text(&parameter["description"]))}</dd>
    }
}

#[component]
fn ApiResponse(status: &'static str, response: &'static Value) -> impl IntoView {
    view! {
        <dt><code>{status}</code>{schema_of(response).map(|schema| view! { <span class="hint">" "{render_type(schema)}</span> })}</dt>
        <dd>{text(&response["description"]).lines().map(|line| view! { <p>{render_inline(line)}</p> }).collect_view()}</dd>
    }
}

/// Shows the fields of an object, or the values of an enumeration.
#[component]
fn Schema(name: &'static str, schema: &'static Value) -> impl IntoView {
    let words = items(&schema["enum"]).map(|word| view! { <code>{text(word)}</code>" " }).collect_view();
    let fields = entries(&schema["properties"]).map(|(field, it)| {
        view! {
            <dt><code>{field}</code><span class="hint">" "{render_type(it)}</span></dt>
            <dd>{render_paragraphs(&it["description"])}</dd>
        }
    });
    view! {
        <section class="card operation" id=format!("schema-{name}") aria-label=name>
            <h3>{name}</h3>
            {render_paragraphs(&schema["description"])}
            <p>{words}</p>
            <dl>{fields.collect_view()}</dl>
        </section>
    }
}

/// Returns the schema of a body or a response, whatever its media type.
fn schema_of(holder: &'static Value) -> Option<&'static Value> {
    entries(&holder["content"]).next().map(|(_, content)| &content["schema"])
}

/// Whether a schema has fields or values to show, unlike an id, which is just a string.
fn has_fields_or_values(schema: &Value) -> bool {
    schema["properties"].is_object() || schema["enum"].is_array()
}

/// Renders a type: a link for a schema with fields or values, else its JSON type.
fn render_type(schema: &'static Value) -> AnyView {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        let target = &DESCRIPTION["components"]["schemas"][name];
        if !has_fields_or_values(target) {
            return render_type(target);
        }
        return view! { <a href=format!("#schema-{name}")>{name}</a> }.into_any();
    }
    // A nullable schema.
    if let Some(one) = items(&schema["oneOf"]).find(|one| one["type"] != "null") {
        return view! { {render_type(one)}" or null" }.into_any();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => {
            kinds.iter().map(text).map(|kind| if kind == "null" { "null" } else { kind }).collect::<Vec<_>>().join(" or ")
        }
        kind => text(kind).to_owned(),
    };
    match (kind.as_str(), schema["format"].as_str()) {
        ("array", _) => view! { "array of "{render_type(&schema["items"])} }.into_any(),
        (kind, Some("date-time")) => kind.replace("string", "time").into_any(),
        (kind, Some("uuid")) => kind.replace("string", "id").into_any(),
        (kind, _) => kind.to_owned().into_any(),
    }
}

fn render_paragraphs(words: &'static Value) -> AnyView {
    text(words)
        .split("\n\n")
        .filter(|words| !words.is_empty())
        .map(|words| view! { <p>{render_inline(words)}</p> })
        .collect_view()
        .into_any()
}

/// Renders text between backticks as code.
fn render_inline(words: &'static str) -> AnyView {
    let parts = words.split('`').enumerate();
    parts.map(|(at, part)| if at % 2 == 1 { view! { <code>{part}</code> }.into_any() } else { part.into_any() }).collect_view().into_any()
}

fn text(value: &'static Value) -> &'static str {
    value.as_str().unwrap_or_default() // absent: nothing to show
}

fn items(value: &'static Value) -> impl Iterator<Item = &'static Value> {
    value.as_array().into_iter().flatten()
}

fn entries(value: &'static Value) -> impl Iterator<Item = (&'static str, &'static Value)> {
    value.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

/// Returns the URL fragment of a heading.
fn slug(name: &str) -> String {
    name.to_lowercase().replace(' ', "-")
}
