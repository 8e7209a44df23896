//! Renders mails as text and HTML with the same content. External input is always escaped (ALT-4).

use askama::Template;
use serde::{Deserialize, Serialize};

/// A rendered mail, as stored in the outbox.
#[derive(Serialize, Deserialize)]
pub struct Mail {
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// The content of a mail: a subject that says what happened, paragraphs, a table of facts, a button, notes, and the reason for the mail.
#[derive(Debug, Clone, Default)]
pub struct Content {
    subject: String,
    paragraphs: Vec<String>,
    facts: Vec<(&'static str, String)>,
    button: Option<(&'static str, String)>,
    notes: Vec<String>,
    reason: &'static str,
}

impl Content {
    /// Creates the content of a mail with a subject and the reason why it is sent.
    pub fn new(subject: impl Into<String>, reason: &'static str) -> Self {
        // A subject is a single line, so control characters are replaced.
        let subject = subject.into().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        Self { subject, reason, ..Self::default() }
    }

    /// Adds a paragraph.
    pub fn paragraph(mut self, text: impl Into<String>) -> Self {
        self.paragraphs.push(text.into());
        self
    }

    /// Adds a row to the table.
    pub fn fact(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.facts.push((name, value.into()));
        self
    }

    /// Sets the button, which links to a path of this site.
    pub fn button(mut self, label: &'static str, path: impl Into<String>) -> Self {
        self.button = Some((label, path.into()));
        self
    }

    /// Adds a paragraph below the button.
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Adds the paragraph of a digest: it stands for `count` more mails of its kind in the same hour.
    pub fn with_digest_note(self, count: i64) -> Self {
        let mails = count + 1;
        self.paragraph(format!("This is the latest of {mails} similar emails. More than five per hour are combined into one."))
    }

    /// Renders the mail to an address. Links start with `origin`, which must be the configured one (NET-2).
    pub fn render(self, to: &str, origin: &str) -> Mail {
        // Only a `Display` that returns an error fails to render, and the template has none.
        let html = Html { content: &self, origin }.render().expect("text always renders");
        Mail { to: to.to_owned(), text: self.text(origin), html, subject: self.subject }
    }

    fn text(&self, origin: &str) -> String {
        let mut parts = self.paragraphs.clone();
        let width = self.facts.iter().map(|(name, _)| name.len() + 1).max().unwrap_or_default();
        let facts: Vec<_> = self.facts.iter().map(|(name, value)| format!("{:width$}  {value}", format!("{name}:"))).collect();
        if !facts.is_empty() {
            parts.push(facts.join("\n"));
        }
        if let Some((label, path)) = &self.button {
            parts.push(format!("{label}:\n{origin}{path}"));
        }
        parts.extend(self.notes.clone());
        parts.push(format!("-- \n{origin}\n{}", self.reason));
        parts.join("\n\n") + "\n"
    }
}

#[derive(Template)]
#[template(path = "email.html")]
struct Html<'a> {
    content: &'a Content,
    origin: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ALT-4: external markup and line breaks are escaped in subject, text and HTML.
    #[test]
    fn external_input_is_escaped() {
        let content =
            Content::new("New sign-in from <b>\r\nBcc: x@y", "Why.").fact("Device", "<img src=x>\"'").button("Review", "/a?b=1&c=2");
        let mail = content.render("alice@example.com", "https://site.example");
        assert_eq!(mail.subject, "New sign-in from <b>  Bcc: x@y");
        assert!(mail.html.contains("&#60;img src=x&#62;&#34;&#39;") && !mail.html.contains("<img") && !mail.html.contains("<b>"));
        assert!(mail.html.contains("href=\"https://site.example/a?b=1&#38;c=2\"") && mail.text.contains("https://site.example/a?b=1&c=2"));
    }
}
