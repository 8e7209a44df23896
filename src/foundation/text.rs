//! Characters that nobody sees, and that can make one name look like another or change the order of a line (Unicode TR 36 and TR 39).

/// Returns whether a character has no place in a name or a sentence: control characters, those that change the direction of text, and
/// invisible ones. [Joiners](is_joiner) have.
pub fn is_deceptive(c: char) -> bool {
    c.is_control() || (is_invisible(c) && !is_joiner(c))
}

/// Returns whether a character is invisible, but part of how words are written: Persian and Indic languages need joiners in the middle of
/// words; emoji, Mongolian and Japanese names need variation selectors. Names that differ in these alone are the same: leave them out of what
/// is compared.
pub fn is_joiner(c: char) -> bool {
    matches!(c, '\u{180B}'..='\u{180D}' | '\u{180F}' | '\u{200C}' | '\u{200D}' | '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}')
}

/// Returns whether a character is never visible, or blank without being a space.
pub fn is_invisible(c: char) -> bool {
    is_joiner(c)
        || matches!(c, '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFB}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Returns whether a text shows nothing.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || is_invisible(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_deceptive_unless_words_need_it() {
        for bad in [
            "a\nb",
            "a\u{202E}b",
            "a\u{2066}b",
            "a\u{200B}b",
            "a\u{AD}b",
            "a\u{FEFF}b",
            "a\u{3164}b",
            "a\u{180E}b",
            "a\u{E0061}b",
            "a\u{E01F0}b",
        ] {
            assert!(bad.chars().any(is_deceptive), "{bad:?}");
        }
        for good in ["Solarpark Süd", "نیروگاه\u{200C}ها", "क्\u{200D}ष", "☀\u{FE0F} Park", "李", "葛\u{E0100}城", "ᠠ\u{180B}ᠨ"]
        {
            assert!(!good.chars().any(is_deceptive), "{good:?}");
        }
        assert!(is_blank(" \u{200D}\u{FE0F}") && is_blank("") && !is_blank("\u{200D}a"));
    }
}
