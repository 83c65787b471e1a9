//! Who was counted instead of told apart, in a sentence.

use super::figure;
use crate::measure::Measured;

/// `Counted as one of many while they waited for the opening: fans, 1,500,000 looks, with 28,400,000 calls …`
pub(super) fn sentence(measured: &Measured) -> Option<String> {
    let told = measured.aggregated.iter().map(|(name, done)| {
        let (looks, calls) = (figure::number(done.looks), figure::number(done.calls));
        let late = match done.beyond_timeout {
            0 => String::new(),
            late => format!(", {} of them beyond the timeout", figure::number(late)),
        };
        format!("{name}, {looks} looks{late}, with {calls} calls that the edge answered")
    });
    let told: Vec<String> = told.collect();
    (!told.is_empty()).then(|| {
        format!("Counted as one of many while they waited for the opening: {}.", told.join("; "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Aggregated;

    #[test]
    fn who_was_aggregated_is_named_with_what_was_counted() {
        let done = Aggregated { looks: 1_500, calls: 28_400, beyond_timeout: 12 };
        let aggregated = [("fans".to_owned(), done)].into();
        let measured = Measured { aggregated, ..Measured::default() };
        assert_eq!(
            sentence(&measured).unwrap(),
            "Counted as one of many while they waited for the opening: fans, 1,500 looks, 12 of them \
             beyond the timeout, with 28,400 calls that the edge answered."
        );
        assert_eq!(sentence(&Measured::default()), None);
    }
}
