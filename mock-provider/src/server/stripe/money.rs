//! Currencies: which there are, how they are written, and the least that can be charged.
//!
//! Source: docs.stripe.com/currencies.

use domain::money::Amount;

use crate::rules::request::Currency;

/// All currencies that can be charged.
const CURRENCIES: &str = "\
    aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn \
    bzd cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd \
    gnf gtq gyd hkd hnl htg huf idr ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak \
    lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd \
    omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd std \
    szl thb tjs tnd top try ttd twd tzs uah ugx usd uyu uzs vnd vuv wst xaf xcd xof xpf yer zar \
    zmw";

/// Those without minor units.
const WITHOUT_MINOR_UNITS: &str = "bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf";

/// The least that can be charged \[minor units\]; one where nothing is said.
const LEAST: &[(&str, u64)] = &[
    ("aed", 200),
    ("aud", 50),
    ("bgn", 100),
    ("brl", 50),
    ("cad", 50),
    ("chf", 50),
    ("czk", 1_500),
    ("dkk", 250),
    ("eur", 50),
    ("gbp", 30),
    ("hkd", 400),
    ("huf", 17_500),
    ("inr", 50),
    ("jpy", 50),
    ("mxn", 1_000),
    ("myr", 200),
    ("nok", 300),
    ("nzd", 50),
    ("pln", 200),
    ("ron", 200),
    ("sek", 300),
    ("sgd", 50),
    ("thb", 1_000),
    ("usd", 50),
];

/// The currency of that code, in any case; `None` if it cannot be charged.
pub(super) fn currency(code: &str) -> Option<Currency> {
    let currency = Currency::new(code)?;
    CURRENCIES.split(' ').any(|known| known == currency.code()).then_some(currency)
}

/// The least that can be charged.
pub(super) fn least(currency: Currency) -> Amount {
    let least = LEAST.iter().find(|(code, _)| *code == currency.code());
    Amount::new(least.map_or(1, |(_, least)| *least))
}

/// The amount as a person reads it: `¥2400`, `$24.00`, `24.00 CHF`.
pub(super) fn spoken(amount: Amount, currency: Option<Currency>) -> String {
    let Some(currency) = currency else { return amount.to_string() };
    let code = currency.code();
    let minor = amount.minor();
    let figure = if WITHOUT_MINOR_UNITS.split(' ').any(|known| known == code) {
        minor.to_string()
    } else {
        format!("{}.{:02}", minor / 100, minor % 100)
    };
    match code {
        "jpy" => format!("¥{figure}"),
        "usd" => format!("${figure}"),
        "eur" => format!("€{figure}"),
        "gbp" => format!("£{figure}"),
        _ => format!("{figure} {}", code.to_uppercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_their_currency_is() {
        let said = |minor, code| spoken(Amount::new(minor), currency(code));
        assert_eq!(said(2_400, "JPY"), "¥2400");
        assert_eq!(said(2_405, "usd"), "$24.05");
        assert_eq!(said(5, "chf"), "0.05 CHF");
        assert_eq!(said(7, "xyz"), "7");
    }

    #[test]
    fn what_has_a_least_amount_is_a_currency() {
        for (code, least_minor) in LEAST {
            assert_eq!(least(currency(code).unwrap()), Amount::new(*least_minor));
        }
        assert_eq!(least(currency("krw").unwrap()), Amount::new(1));
    }
}
