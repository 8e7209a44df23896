//! Numbers as the server formats them.

/// Formats a count with thousands separators: "12,000".
pub fn format_count(count: i64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats a count with its noun, which has a regular plural: "1 plant", "12,000 plants".
pub fn count_of(count: i64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", format_count(count))
}

/// Formats a positive number of kilowatts with at most one decimal: "420 kW", "12.4 MW", "1,204 MW".
pub fn format_power(kilowatts: f64) -> String {
    let tenths = |number: f64| (number * 10.0).round() as i64;
    let (tenths, unit) = if tenths(kilowatts) < 10_000 { (tenths(kilowatts), "kW") } else { (tenths(kilowatts / 1_000.0), "MW") };
    let decimal = if tenths % 10 == 0 { String::new() } else { format!(".{}", tenths % 10) };
    format!("{}{decimal} {unit}", format_count(tenths / 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        assert_eq!([0, 999, 1_000, 12_000, 1_234_567].map(format_count), ["0", "999", "1,000", "12,000", "1,234,567"]);
        assert_eq!([0, 1, 2, 1_180].map(|count| count_of(count, "plant")), ["0 plants", "1 plant", "2 plants", "1,180 plants"]);
    }

    #[test]
    fn power_is_in_the_unit_that_reads_best() {
        let cases = [0.0, 0.5, 420.0, 310.04, 999.9, 999.96, 1_000.0, 12_400.0, 48_000.0, 121_600.0, 1_204_000.0, 1e10];
        let expected =
            ["0 kW", "0.5 kW", "420 kW", "310 kW", "999.9 kW", "1 MW", "1 MW", "12.4 MW", "48 MW", "121.6 MW", "1,204 MW", "10,000,000 MW"];
        assert_eq!(cases.map(format_power), expected);
    }
}
