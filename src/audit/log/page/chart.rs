//! The chart as SVG, and as a table that says the same.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use leptos::prelude::*;

use crate::{
    audit::log::{
        chart::{Bar, Chart, Span},
        page::address,
    },
    ui::number::{count_of, format_count},
};

/// Size of the drawing, which is stretched to the width of the card.
const WIDTH: f64 = 1_000.0;
const HEIGHT: f64 = 120.0;
/// Part of its place that a bar takes.
const THICKNESS: f64 = 0.6;
/// What was refused is at least so high, and this far above what was done.
const MIN_REFUSED: f64 = 2.0;
const GAP: f64 = 1.5;
/// Labels below the bars.
const LABELS: usize = 6;

/// Renders the chart.
pub fn chart(chart: Chart, zone: &str) -> impl IntoView + use<> {
    let tz = zone.parse().unwrap_or(Tz::UTC);
    let top = top(chart.bars.iter().map(|bar| bar.done + bar.refused).max().unwrap_or_default());
    let place = WIDTH / chart.bars.len() as f64;
    let last = chart.bars.len().saturating_sub(1);
    let bars = chart.bars.iter().enumerate();
    let bars = bars.map(|(at, bar)| draw(bar, &Place { x: at as f64 * place, width: place, top, is_last: at == last }, chart.span, tz));
    let lines = [0.0, HEIGHT / 2.0, HEIGHT].map(|y| view! { <line x1="0" x2=WIDTH y1=y y2=y /> });
    let title = match chart.span {
        Span::Days => "Activity by day",
        Span::Hours => "Activity by hour",
    };
    view! {
        <section class="card chart" aria-labelledby="chart">
            <header><div><h2 id="chart">{title}</h2><p>{summary(&chart)}</p></div>{spans(chart.span)}</header>
            <div class="plot">
                <div class="plot-y" aria-hidden="true"><span>{format_count(top)}</span><span>{format_count(top / 2)}</span><span>"0"</span></div>
                // Screen readers and keys have the table: thirty links on the way to the list would be in the way.
                <svg viewBox=format!("0 0 {WIDTH} {HEIGHT}") preserveAspectRatio="none" aria-hidden="true">{lines}{bars.collect_view()}</svg>
            </div>
            <div class="plot-x" aria-hidden="true">{labels(&chart, tz)}</div>
            <p class="legend"><span>"Done"</span><span class="refused">"Refused"</span></p>
            {table(&chart, tz)}
        </section>
    }
}

/// Where a bar stands.
struct Place {
    x: f64,
    width: f64,
    /// The number of events that reaches to the top.
    top: i64,
    is_last: bool,
}

/// Draws a bar: a link to what happened then, over the whole height, so that a low bar is as easy to hit.
fn draw(bar: &Bar, &Place { x, width, top, is_last }: &Place, span: Span, tz: Tz) -> impl IntoView + use<> {
    let height = |events: i64| events as f64 / top as f64 * HEIGHT;
    let (done, refused) = (height(bar.done), if bar.refused == 0 { 0.0 } else { height(bar.refused).max(MIN_REFUSED) });
    let (left, thick) = (x + width * (1.0 - THICKNESS) / 2.0, width * THICKNESS);
    let above = if bar.done == 0 { 0.0 } else { GAP };
    let rect = |class: &'static str, y: f64, height: f64| view! { <rect class=class x=round(left) width=round(thick) y=round(y) height=round(height) /> };
    let class = if is_last { "is-now" } else { "" };
    view! {
        <a href=link(bar, span, tz) class=class tabindex="-1">
            <title>{format!("{}: {}", name(bar.start, span, tz), numbers(bar))}</title>
            <rect class="place" x=round(x) width=round(width) y="0" height=HEIGHT />
            {(bar.done > 0).then(|| rect("done", HEIGHT - done, done))}
            {(bar.refused > 0).then(|| rect("refusals", HEIGHT - done - above - refused, refused))}
        </a>
    }
}

/// Rounds to a tenth: more digits would only make the page larger.
fn round(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

/// Returns the number at the top of the axis: a round one, whose half is a whole number.
fn top(highest: i64) -> i64 {
    let magnitude = 10_i64.pow(highest.max(1).ilog10());
    let steps = [magnitude, 2 * magnitude, 4 * magnitude, 6 * magnitude, 8 * magnitude, 10 * magnitude];
    let round = steps.into_iter().find(|step| *step >= highest).unwrap_or(highest); // the last is larger: it has one more digit
    round.max(2)
}

fn numbers(bar: &Bar) -> String {
    format!("{}, {} refused", count_of(bar.done + bar.refused, "event"), format_count(bar.refused))
}

fn summary(chart: &Chart) -> String {
    let refused: i64 = chart.bars.iter().map(|bar| bar.refused).sum();
    let all = refused + chart.bars.iter().map(|bar| bar.done).sum::<i64>();
    let period = match chart.span {
        Span::Days => "last 30 days",
        Span::Hours => "last 48 hours",
    };
    format!("{} at plants in the {period}, {} of them refused", count_of(all, "event"), format_count(refused))
}

/// Renders the choice between days and hours.
fn spans(current: Span) -> impl IntoView {
    let link = |span: Span, words: &'static str| view! { <a href=address::chart(span) aria-current=(span == current).then_some("true")>{words}</a> };
    view! { <div class="segments tight" role="group" aria-label="Span">{link(Span::Days, "30 days")}{link(Span::Hours, "48 hours")}</div> }
}

/// Returns the address of the events of a bar.
fn link(bar: &Bar, span: Span, tz: Tz) -> String {
    let local = bar.start.with_timezone(&tz);
    let period = match span {
        Span::Days => local.format("%Y-%m-%d").to_string(),
        Span::Hours => {
            let last = bar.start + chrono::TimeDelta::minutes(59);
            format!("{}..{}", bar.start.format("%Y-%m-%dT%H:%MZ"), last.format("%Y-%m-%dT%H:%MZ"))
        }
    };
    address::search(&format!("created:{period}"))
}

fn name(start: DateTime<Utc>, span: Span, tz: Tz) -> String {
    let format = match span {
        Span::Days => "%-d %B",
        Span::Hours => "%-d %B, %H:%M",
    };
    start.with_timezone(&tz).format(format).to_string()
}

/// Renders the names of some bars, the last one by what it is.
fn labels(chart: &Chart, tz: Tz) -> impl IntoView + use<> {
    let step = chart.bars.len() / LABELS;
    let (format, last) = match chart.span {
        Span::Days => ("%-d %b", "Today"),
        Span::Hours => ("%H:%M", "Now"),
    };
    let label = |bar: &Bar| view! { <span>{bar.start.with_timezone(&tz).format(format).to_string()}</span> };
    let labels = chart.bars.iter().step_by(step.max(1)).take(LABELS).map(label).collect_view();
    view! { {labels}<span>{last}</span> }
}

/// Renders the same numbers as a table, newest first, that opens.
fn table(chart: &Chart, tz: Tz) -> impl IntoView + use<> {
    let row = |bar: &Bar| {
        let name = view! { <a href=link(bar, chart.span, tz)>{name(bar.start, chart.span, tz)}</a> };
        view! { <tr><th scope="row">{name}</th><td>{format_count(bar.done)}</td><td>{format_count(bar.refused)}</td></tr> }
    };
    let rows = chart.bars.iter().rev().map(row).collect_view();
    let first = match chart.span {
        Span::Days => "Day",
        Span::Hours => "Hour",
    };
    view! {
        <details class="numbers">
            <summary>"Show as a table"</summary>
            <table>
                <thead><tr><th scope="col">{first}</th><th scope="col">"Done"</th><th scope="col">"Refused"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </details>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_ends_at_a_round_number() {
        let tops = [0, 1, 2, 3, 9, 10, 11, 39, 97, 100, 101, 999, 1_386].map(top);
        assert_eq!(tops, [2, 2, 2, 4, 10, 10, 20, 40, 100, 100, 200, 1_000, 2_000]);
    }

    #[test]
    fn a_bar_leads_to_its_events() {
        let bar = Bar { start: "2026-05-13T22:00:00Z".parse().unwrap(), done: 2, refused: 1 };
        let links = [Span::Days, Span::Hours].map(|span| link(&bar, span, Tz::Europe__Berlin));
        assert_eq!(links, ["/audit?q=created%3A2026-05-14", "/audit?q=created%3A2026-05-13T22%3A00Z..2026-05-13T22%3A59Z"]);
        assert_eq!(numbers(&bar), "3 events, 1 refused");
    }
}
