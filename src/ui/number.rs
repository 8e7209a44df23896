//! Numbers in sentences.

/// Formats a number with thousands separators: "12,000".
pub fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats a number with its noun: "1 plant", "1,204 plants".
pub fn count(number: i64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        assert_eq!([0, 999, 1_000, 12_000, 1_234_567, -1_000].map(grouped), ["0", "999", "1,000", "12,000", "1,234,567", "-1,000"]);
        assert_eq!((count(1, "plant", "plants"), count(0, "plant", "plants")), ("1 plant".to_owned(), "0 plants".to_owned()));
    }
}
