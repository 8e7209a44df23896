//! What a mail says: text and HTML with the same words. Nothing from outside gets into either but as text (ALT-4).

use serde::{Deserialize, Serialize};

/// A mail, as it is kept until it is sent.
#[derive(Serialize, Deserialize)]
pub struct Mail {
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// A letter: a subject that says what happened, some words, a small table, one button, and why it came.
#[derive(Debug, Clone, Default)]
pub struct Letter {
    subject: String,
    words: Vec<String>,
    facts: Vec<(&'static str, String)>,
    button: Option<(&'static str, String)>,
    advice: Vec<String>,
    why: &'static str,
}

impl Letter {
    /// One with this subject, and why it came.
    pub fn new(subject: impl Into<String>, why: &'static str) -> Self {
        // A subject is one line, whatever is in it.
        let subject = subject.into().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        Self { subject, why, ..Self::default() }
    }

    /// A paragraph more.
    pub fn say(mut self, words: impl Into<String>) -> Self {
        self.words.push(words.into());
        self
    }

    /// A line more of the table.
    pub fn fact(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.facts.push((name, value.into()));
        self
    }

    /// The button, and the path of this site that it leads to.
    pub fn lead(mut self, words: &'static str, path: impl Into<String>) -> Self {
        self.button = Some((words, path.into()));
        self
    }

    /// A paragraph below the button.
    pub fn advise(mut self, words: impl Into<String>) -> Self {
        self.advice.push(words.into());
        self
    }

    /// A paragraph more: the letter stands for `count` more of its kind, which came within the same hour.
    pub fn and_more(self, count: i64) -> Self {
        let mails = count + 1;
        self.say(format!("This is the latest of {mails} mails like this. More than five an hour are combined into one."))
    }

    /// The mail to this address, from the site at `origin`: the configured address alone is in it (NET-2).
    pub fn write(self, to: &str, origin: &str) -> Mail {
        Mail { to: to.to_owned(), text: self.text(origin), html: self.html(origin), subject: self.subject }
    }

    fn text(&self, origin: &str) -> String {
        let mut parts = self.words.clone();
        let width = self.facts.iter().map(|(name, _)| name.len() + 1).max().unwrap_or_default(); // no facts: no table
        let facts: Vec<_> = self.facts.iter().map(|(name, value)| format!("{:width$}  {value}", format!("{name}:"))).collect();
        if !facts.is_empty() {
            parts.push(facts.join("\n"));
        }
        if let Some((words, path)) = &self.button {
            parts.push(format!("{words}:\n{origin}{path}"));
        }
        parts.extend(self.advice.clone());
        parts.push(format!("-- \n{origin}\n{}", self.why));
        parts.join("\n\n") + "\n"
    }

    fn html(&self, origin: &str) -> String {
        let paragraph = |words: &String| format!("<p style=\"margin:0 0 16px\">{}</p>", escape(words));
        let words: String = self.words.iter().map(paragraph).collect();
        let advice: String = self.advice.iter().map(paragraph).collect();
        let row = |(name, value): &(&str, String)| {
            format!(
                "<tr><td class=\"second\" style=\"padding:4px 24px 4px 0\">{}</td><td style=\"padding:4px 0\">{}</td></tr>",
                escape(name),
                escape(value)
            )
        };
        let rows: String = self.facts.iter().map(row).collect();
        let table = if rows.is_empty() { rows } else { format!("<table role=\"presentation\" style=\"margin:0 0 20px\">{rows}</table>") };
        let button = self.button.as_ref().map(|(words, path)| {
            format!(
                "<p style=\"margin:0 0 24px\"><a class=\"button\" href=\"{}\" style=\"display:inline-block;padding:11px 20px;border-radius:8px;text-decoration:none\">{}</a></p>",
                escape(&format!("{origin}{path}")),
                escape(words),
            )
        });
        format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
             <meta name=\"color-scheme\" content=\"light dark\"><title>{subject}</title><style>{STYLE}</style></head>\
             <body><div class=\"page\"><h1 style=\"margin:0 0 16px;font-size:20px;line-height:28px\">{subject}</h1>\
             {words}{table}{button}{advice}<p class=\"second\" style=\"margin:24px 0 0;font-size:13px;line-height:18px\">\
             <a href=\"{origin}\">{origin}</a><br>{why}</p></div></body></html>",
            subject = escape(&self.subject),
            button = button.unwrap_or_default(), // none: nothing to press
            origin = escape(origin),
            why = escape(self.why),
        )
    }
}

const STYLE: &str = "body{margin:0;padding:24px;background:#f7fafa;color:#1d2a2e;font:15px/22px system-ui,sans-serif}\
     .page{max-width:560px;margin:0 auto;padding:28px;border:1px solid #dde4e5;border-radius:12px;background:#fff;overflow-wrap:anywhere}\
     .second{color:#52646a}.button{background:#006a6a;color:#fff}a{color:#006a6a}\
     @media (prefers-color-scheme:dark){body{background:#0e1618;color:#e6eced}.page{background:#151f22;border-color:#2b373b}\
     .second{color:#9cacb1}.button{background:#74d0cb;color:#062020}a{color:#74d0cb}}";

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ALT-4: markup and line breaks from outside are text, in subject, text and HTML.
    #[test]
    fn nothing_from_outside_is_more_than_text() {
        let letter = Letter::new("New sign-in from <b>\r\nBcc: x@y", "Why.").fact("Device", "<img src=x>\"'").lead("Review", "/a?b=1&c=2");
        let mail = letter.write("alice@example.com", "https://site.example");
        assert_eq!(mail.subject, "New sign-in from <b>  Bcc: x@y");
        assert!(mail.html.contains("&lt;img src=x&gt;&quot;&#39;") && !mail.html.contains("<img") && !mail.html.contains("<b>"));
        assert!(mail.html.contains("href=\"https://site.example/a?b=1&amp;c=2\"") && mail.text.contains("https://site.example/a?b=1&c=2"));
    }
}
