//! All test cards: numbers, names, brands, countries and fates as `docs.stripe.com/testing` has
//! them (read in August 2026).
//!
//! Cards that only make a dispute or a refund that fails are left out, since the provider has
//! neither, and so are those that only a mobile program or a card reader can meet.

use super::Check::{Fail, Pass, Unavailable};
use super::Fate::{Challenged, ChallengedOnSession, ChallengedUnlessSetUp};
use super::TestCard;

const fn card(
    number: &'static str,
    names: &'static [&'static str],
    brand: &'static str,
    country: &'static str,
) -> TestCard {
    TestCard::new(number, names, brand, country)
}

/// All test cards. Where two have a name or a number in common, the first is meant.
pub const TEST_CARDS: &[TestCard] = &[
    // By brand.
    card("4242424242424242", &["visa", "us"], "visa", "US"),
    card("4000056655665556", &["visa_debit"], "visa", "US").debit(),
    card("5555555555554444", &["mastercard"], "mastercard", "US"),
    card("2223003122003222", &[], "mastercard", "US"),
    card("5200828282828210", &["mastercard_debit"], "mastercard", "US").debit(),
    card("5105105105105100", &["mastercard_prepaid"], "mastercard", "US").prepaid(),
    card("378282246310005", &["amex", "amex_threeDSecureNotSupported"], "amex", "US"),
    card("371449635398431", &[], "amex", "US"),
    card("6011111111111117", &["discover"], "discover", "US"),
    card("6011000990139424", &[], "discover", "US"),
    card("6011981111111113", &[], "discover", "US").debit(),
    card("3056930009020004", &["diners"], "diners", "US"),
    card("36227206271667", &[], "diners", "US"),
    card("3566002020360505", &["jcb"], "jcb", "JP"),
    card("3530111333300000", &[], "jcb", "JP"),
    card("6200000000000005", &["unionpay"], "unionpay", "CN"),
    card("6200000000000047", &[], "unionpay", "CN").debit(),
    card("6205500000000000004", &[], "unionpay", "CN"),
    card("4000002500001001", &["visa_cartesBancaires"], "visa", "FR").also_of("cartes_bancaires"),
    card("5555552500001001", &["mastercard_cartesBancaires"], "mastercard", "FR")
        .also_of("cartes_bancaires"),
    card("4000050360000001", &["visa_debit_eftposAuCoBranded"], "visa", "AU")
        .debit()
        .also_of("eftpos_australia"),
    card("5555050360000080", &["mastercard_debit_eftposAuCoBranded"], "mastercard", "AU")
        .debit()
        .also_of("eftpos_australia"),
    // By country: the Americas.
    card("4000000320000021", &["ar"], "visa", "AR"),
    card("4000000760000002", &["br"], "visa", "BR"),
    card("4000001240000000", &["ca"], "visa", "CA"),
    card("4000001520000001", &["cl"], "visa", "CL"),
    card("4000001700000003", &["co"], "visa", "CO"),
    card("4000001880000005", &["cr"], "visa", "CR"),
    card("4000002180000000", &["ec"], "visa", "EC"),
    card("4000004840008001", &["mx"], "visa", "MX"),
    card("4000005910000000", &["pa"], "visa", "PA"),
    card("4000006000000066", &["py"], "visa", "PY"),
    card("4000006040000068", &["pe"], "visa", "PE"),
    card("4000008580000003", &["uy"], "visa", "UY"),
    // Europe and the Middle East.
    card("4000007840000001", &["ae"], "visa", "AE"),
    card("4000000400000008", &["at"], "visa", "AT"),
    card("4000000560000004", &["be"], "visa", "BE"),
    card("4000001000000000", &["bg"], "visa", "BG"),
    card("4000001120000005", &["by"], "visa", "BY"),
    card("4000001910000009", &["hr"], "visa", "HR"),
    card("4000001960000008", &["cy"], "visa", "CY"),
    card("4000002030000002", &["cz"], "visa", "CZ"),
    card("4000002080000001", &["dk"], "visa", "DK"),
    card("4000002330000009", &["ee"], "visa", "EE"),
    card("4000002460000001", &["fi"], "visa", "FI"),
    card("4000002500000003", &["fr"], "visa", "FR"),
    card("4000002760000016", &["de"], "visa", "DE"),
    card("4000002920000005", &["gi"], "visa", "GI"),
    card("4000003000000030", &["gr"], "visa", "GR"),
    card("4000003480000005", &["hu"], "visa", "HU"),
    card("4000003720000005", &["ie"], "visa", "IE"),
    card("4000003800000008", &["it"], "visa", "IT"),
    card("4000004280000005", &["lv"], "visa", "LV"),
    card("4000004380000004", &["li"], "visa", "LI"),
    card("4000004400000000", &["lt"], "visa", "LT"),
    card("4000004420000006", &["lu"], "visa", "LU"),
    card("4000004700000007", &["mt"], "visa", "MT"),
    card("4000005280000002", &["nl"], "visa", "NL"),
    card("4000005780000007", &["no"], "visa", "NO"),
    card("4000006160000005", &["pl"], "visa", "PL"),
    card("4000006200000007", &["pt"], "visa", "PT"),
    card("4000006420000001", &["ro"], "visa", "RO"),
    card("4000007050000006", &["si"], "visa", "SI"),
    card("4000007030000001", &["sk"], "visa", "SK"),
    card("4000007240000007", &["es"], "visa", "ES"),
    card("4000007520000008", &["se"], "visa", "SE"),
    card("4000007560000009", &["ch"], "visa", "CH"),
    card("4000008260000000", &["gb"], "visa", "GB"),
    card("5200007840000022", &["ae_mastercard"], "mastercard", "AE"),
    card("4000006820000007", &[], "visa", "SA"),
    card("4000058260000005", &["gb_debit"], "visa", "GB").debit(),
    card("5555558265554449", &["gb_mastercard"], "mastercard", "GB"),
    // Asia and the Pacific.
    card("4000000360000006", &["au"], "visa", "AU"),
    card("4000001560000002", &["cn"], "visa", "CN"),
    card("4000003440000004", &["hk"], "visa", "HK"),
    card("4000003560000008", &["in"], "visa", "IN"),
    card("4000003920000003", &["jp"], "visa", "JP"),
    card("4000004580000002", &["my"], "visa", "MY"),
    card("4000005540000008", &["nz"], "visa", "NZ"),
    card("4000007020000003", &["sg"], "visa", "SG"),
    card("4000001580000008", &["tw"], "visa", "TW"),
    card("4000007640000003", &["th_credit"], "visa", "TH"),
    card("4000057640000008", &["th_debit"], "visa", "TH").debit(),
    // Declined; nobody can keep them.
    card("4000000000000002", &["visa_chargeDeclined", "chargeDeclined"], "visa", "US")
        .declined("card_declined", "generic_decline"),
    card(
        "4000000000009995",
        &["visa_chargeDeclinedInsufficientFunds", "chargeDeclinedInsufficientFunds"],
        "visa",
        "US",
    )
    .declined("card_declined", "insufficient_funds"),
    card(
        "4000000000009987",
        &["visa_chargeDeclinedLostCard", "chargeDeclinedLostCard"],
        "visa",
        "US",
    )
    .declined("card_declined", "lost_card"),
    card(
        "4000000000009979",
        &["visa_chargeDeclinedStolenCard", "chargeDeclinedStolenCard"],
        "visa",
        "US",
    )
    .declined("card_declined", "stolen_card"),
    card("4000000000000069", &["chargeDeclinedExpiredCard"], "visa", "US")
        .declined("expired_card", "expired_card"),
    card("4000000000000127", &["chargeDeclinedIncorrectCvc"], "visa", "US")
        .declined("incorrect_cvc", "incorrect_cvc"),
    card("4000000000000119", &["chargeDeclinedProcessingError"], "visa", "US")
        .declined("processing_error", "processing_error"),
    card("4000000000006975", &["visa_chargeDeclinedVelocityLimitExceeded"], "visa", "US")
        .declined("card_declined", "card_velocity_exceeded"),
    // Kept without trouble, and every charge is declined.
    card("4000000000000341", &["chargeCustomerFail"], "visa", "US")
        .declined_later("card_declined", "generic_decline"),
    card("4100000000000019", &["radarBlock", "chargeDeclinedFraudulent"], "visa", "US")
        .declined_later("card_declined", "fraudulent"),
    card("4000000000004954", &["riskLevelHighest"], "visa", "US")
        .declined_later("card_declined", "fraudulent"),
    // Risky, and approved.
    card("4000000000009235", &["riskLevelElevated"], "visa", "US"),
    card("4000008400000407", &["highFraudDisputeScore"], "visa", "US"),
    card("4000008400000159", &["highEfwScore"], "visa", "US"),
    card("4000008400001017", &["radarDynamicRiskThreshold"], "visa", "US"),
    card("4001858821843804", &["freeTrialAbuseBlock"], "visa", "US"),
    card("4000008405600003", &["adaptive3dsChallenge"], "visa", "US"),
    // Approved, though a check fails or cannot be made.
    card("4000000000000101", &["cvcCheckFail"], "visa", "US").checks(Pass, Pass, Fail),
    card("4000058400307872", &["cvcCheckFailElevatedRisk"], "visa", "US").checks(Pass, Pass, Fail),
    card("4000000000000036", &["avsZipFail"], "visa", "US").checks(Pass, Fail, Pass),
    card("4000058400306072", &["avsZipFailElevatedRisk"], "visa", "US").checks(Pass, Fail, Pass),
    card("4000000000000028", &["avsLine1Fail"], "visa", "US").checks(Fail, Pass, Pass),
    card("4000000000000010", &["avsFail"], "visa", "US").checks(Fail, Fail, Pass),
    card("4000000000000044", &["avsUnchecked"], "visa", "US").checks(
        Unavailable,
        Unavailable,
        Pass,
    ),
    // Authentication.
    card("4000002500003155", &["authenticationRequiredOnSetup"], "visa", "FR")
        .fated(ChallengedUnlessSetUp),
    card("4000002760003184", &["authenticationRequired"], "visa", "DE").fated(Challenged),
    card("4000003800000446", &["authenticationRequiredSetupForOffSession"], "visa", "IT")
        .fated(ChallengedOnSession),
    card(
        "4000008260003178",
        &["authenticationRequiredChargeDeclinedInsufficientFunds"],
        "visa",
        "GB",
    )
    .challenged_then_declined("insufficient_funds"),
    card("4000000000003220", &["threeDSecure2Required"], "visa", "IE").fated(Challenged),
    card("4000008400000027", &[], "visa", "US").fated(Challenged),
    card("4000000000003063", &["threeDSecureRequired"], "visa", "US").fated(Challenged),
    card("4000008400001629", &["threeDSecureRequiredChargeDeclined"], "visa", "US")
        .challenged_then_declined("generic_decline"),
    card("4000008400001280", &["threeDSecureRequiredProcessingError"], "visa", "US")
        .declined_later("card_declined", "generic_decline"),
    card("4000000000003055", &["threeDSecureOptional"], "visa", "US"),
    card("4000000000003097", &["threeDSecureOptionalProcessingError"], "visa", "US"),
    card("4000000032200000", &[], "visa", "US"),
    // Special accounts.
    card("4000000000000077", &["bypassPending"], "visa", "US"),
    card("4000003720000278", &["bypassPendingInternational"], "visa", "IE"),
    card(
        "4000051230000072",
        &["debit_visaFsaProductCode", "debit_visaHsaProductCode"],
        "visa",
        "US",
    )
    .debit(),
    card("5200828282828897", &["mastercard_debit_mastercardFsaProductCode"], "mastercard", "US")
        .debit(),
];
