//! Counts the wait of "Too many attempts" down visually. Screen readers announce each change of an alert, so the alert states the
//! wait once, and then that it is over; the seconds tick in an element beside it.

use web_sys::Element;

use crate::{
    events, page,
    text::{decimal, push_decimal},
};

/// Counts down in the alert of the page that states a wait, if there is one, every second.
pub fn start() {
    events::every(1_000, || {
        let Some(alert) = page::find("[data-seconds]:not([data-seconds='0'])") else { return };
        let seconds = alert.get_attribute("data-seconds").and_then(|seconds| seconds.parse::<u32>().ok());
        let seconds = seconds.unwrap_or(0).saturating_sub(1);
        page::set_attribute(&alert, "data-seconds", &decimal(seconds));
        if seconds > 0 {
            page::set_attribute(&alert, "class", "visually-hidden");
            show(&alert, &wait_in_words(seconds));
        } else {
            remove(&alert);
            page::set_attribute(&alert, "class", "notice");
            alert.set_text_content(Some("You can try again now."));
        }
    });
}

/// Removes the countdown beside an alert, if there is one.
pub fn remove(alert: &Element) {
    if let Some(countdown) = find(alert) {
        countdown.remove();
    }
}

/// Shows a text next to an alert, hidden from screen readers.
fn show(alert: &Element, text: &str) {
    let countdown = find(alert).or_else(|| {
        let new = page::document().create_element("div").ok()?;
        page::set_attribute(&new, "class", "failure");
        page::set_attribute(&new, "aria-hidden", "true");
        alert.insert_adjacent_element("afterend", &new).ok()?
    });
    if let Some(countdown) = countdown {
        countdown.set_text_content(Some(text));
    }
}

fn find(alert: &Element) -> Option<Element> {
    alert.next_element_sibling().filter(|next| next.get_attribute("aria-hidden").is_some())
}

/// States a wait in the words of the server: in seconds below two minutes, then in minutes, rounded up.
fn wait_in_words(seconds: u32) -> String {
    let mut text = String::from("Too many attempts. Try again in ");
    push_decimal(&mut text, if seconds < 120 { seconds } else { seconds.div_ceil(60) });
    text.push_str(match seconds {
        1 => " second.",
        ..=119 => " seconds.",
        _ => " minutes.",
    });
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_stated_as_the_server_does() {
        let cases =
            [(1, "1 second"), (2, "2 seconds"), (119, "119 seconds"), (120, "2 minutes"), (121, "3 minutes"), (3_600, "60 minutes")];
        for (seconds, words) in cases {
            assert_eq!(wait_in_words(seconds), format!("Too many attempts. Try again in {words}."));
        }
    }
}
