//! What a finding counts, in the number that fits.

use std::cmp::Reverse;

use super::Finding;

/// Words in what findings count, of many and of one.
const OF_ONE: [(&str, &str); 13] = [
    ("answers", "answer"),
    ("authorizations", "authorization"),
    ("calls", "call"),
    ("draws", "draw"),
    ("fans who were", "fan who was"),
    ("fans", "fan"),
    ("orders", "order"),
    ("pages", "page"),
    ("payments", "payment"),
    ("pieces and places", "piece or place"),
    ("pieces", "piece"),
    ("purchases", "purchase"),
    ("sales", "sale"),
];

impl Finding {
    /// What was counted, in the number that fits: `order that never came to an end` of one.
    pub fn counted(&self) -> String {
        counted(self.count, &self.measure)
    }
}

fn counted(count: u64, measure: &str) -> String {
    if count != 1 {
        return measure.to_owned();
    }
    let found = OF_ONE
        .iter()
        .filter_map(|(many, one)| Some((measure.find(many)?, Reverse(many.len()), many, one)));
    match found.min() {
        Some((_, _, many, one)) => {
            measure.replacen(many, one, 1).replacen(" without their ", " without its ", 1)
        }
        None => measure.to_owned(),
    }
}

/// Several names with their verb: `a and b were both`, `a, b and c were all`.
pub(super) fn all_of(names: &[&str]) -> String {
    let Some((last, first)) = names.split_last() else { return "none were".to_owned() };
    let both = if first.len() == 1 { "both" } else { "all" };
    format!("{} and {last} were {both}", first.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_told_as_many() {
        for (measure, of_one) in [
            ("orders sold without their money", "order sold without its money"),
            ("orders that never came to an end", "order that never came to an end"),
            ("pieces and places oversold", "piece or place oversold"),
            ("sellable pieces not sold", "sellable piece not sold"),
            ("fans with more pieces than one may buy", "fan with more pieces than one may buy"),
            (
                "fans who were told that they have what they have not",
                "fan who was told that they have what they have not",
            ),
        ] {
            assert_eq!(counted(1, measure), of_one);
            assert_eq!(counted(2, measure), measure);
        }
    }

    #[test]
    fn three_are_not_both() {
        assert_eq!(all_of(&["a", "b"]), "a and b were both");
        assert_eq!(all_of(&["a", "b", "c"]), "a, b and c were all");
    }
}
