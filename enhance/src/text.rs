//! Texts without `format!`, whose code is larger than this whole crate.

/// Returns a number in decimal notation.
pub fn decimal(number: u32) -> String {
    let mut text = String::new();
    push_decimal(&mut text, number);
    text
}

/// Appends a number in decimal notation.
pub fn push_decimal(text: &mut String, number: u32) {
    if number >= 10 {
        push_decimal(text, number / 10);
    }
    text.push(char::from(b'0' + (number % 10) as u8));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_decimal() {
        for number in [0, 7, 10, 42, 100, 86_400, u32::MAX] {
            assert_eq!(decimal(number), number.to_string());
        }
    }
}
