//! What the decoder promises.

use domain::money::Amount;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

fn form(text: &str) -> Form {
    Form::decode(text.as_bytes()).unwrap()
}

fn joined(pairs: impl Iterator<Item = String>) -> String {
    pairs.collect::<Vec<_>>().join("&")
}

/// Code, parameter and message of what is wrong with a body.
fn wrong(text: &str) -> (Option<&'static str>, Option<String>, String) {
    told(&Form::decode(text.as_bytes()).unwrap_err())
}

fn told(error: &FieldError) -> (Option<&'static str>, Option<String>, String) {
    (error.code(), error.param().map(str::to_owned), error.to_string())
}

fn expected(
    code: Option<&'static str>,
    param: &str,
    message: &str,
) -> (Option<&'static str>, Option<String>, String) {
    (code, Some(param.to_owned()), message.to_owned())
}

#[test]
fn nested_keys_are_read_by_their_spelled_names() {
    let form = form("payment_method_data[card][number]=4242424242424242&amount=100&confirm=true");
    let parameters = form.parameters();
    assert_eq!(parameters.text("payment_method_data[card][number]"), Ok(Some("4242424242424242")));
    let card = parameters.table("payment_method_data[card]").unwrap().unwrap();
    assert_eq!(card.text("number"), Ok(Some("4242424242424242")));
    assert_eq!(parameters.amount("amount"), Ok(Some(Amount::new(100))));
    assert_eq!(parameters.boolean("confirm"), Ok(Some(true)));
    assert_eq!(parameters.text("payment_method_data[card][cvc]"), Ok(None));
    assert_eq!(parameters.text("currency"), Ok(None));
    assert!(parameters.has("payment_method_data[card]") && !parameters.has("currency"));
}

#[test]
fn a_list_is_the_same_with_and_without_indices() {
    let appended = form("expand[]=latest_charge&expand[]=customer");
    let indexed = form("expand[1]=customer&expand[0]=latest_charge");
    assert_eq!(appended, indexed);
    assert_eq!(appended.parameters().texts("expand"), Ok(Some(vec!["latest_charge", "customer"])));
}

#[test]
fn a_list_is_in_the_order_of_its_numbers_not_of_their_digits() {
    let text = joined((0..12).map(|entry| format!("expand[]=e{entry}")));
    let entries: Vec<String> = (0..12).map(|entry| format!("e{entry}")).collect();
    let form = form(&text);
    let read = form.parameters().texts("expand").unwrap().unwrap();
    assert_eq!(read, entries);
}

#[test]
fn a_list_of_tables_begins_an_entry_where_a_key_repeats() {
    let appended = form("items[][price]=a&items[][quantity]=1&items[][price]=b");
    let indexed = form("items[0][price]=a&items[0][quantity]=1&items[1][price]=b");
    assert_eq!(appended, indexed);
    let items = indexed.parameters().list("items").unwrap().unwrap();
    let prices: Vec<_> = items.iter().map(|item| item.text("price").unwrap().unwrap()).collect();
    assert_eq!(prices, ["a", "b"]);
    let error = items[1].amount("price").unwrap_err();
    assert_eq!(error.param(), Some("items[1][price]"));
}

#[test]
fn percent_encoded_brackets_pluses_and_any_language_are_decoded() {
    let decoded = form("metadata%5B%E5%BA%A7%E5%B8%AD%5D=S%E5%B8%AD+1%2B2%3D3%26%F0%9F%8E%AB");
    let plain = form("metadata[座席]=S席 1%2B2=3%26🎫");
    assert_eq!(decoded, plain);
    assert_eq!(decoded.parameters().text("metadata[座席]"), Ok(Some("S席 1+2=3&🎫")));
}

#[test]
fn the_last_of_a_repeated_key_counts() {
    assert_eq!(form("amount=1&amount=2"), form("amount=2"));
}

#[test]
fn empty_pairs_mean_nothing_and_a_pair_without_a_value_is_empty() {
    assert_eq!(form(""), Form::default());
    assert_eq!(form("&&a=1&"), form("a=1"));
    assert_eq!(form("description"), form("description="));
}

#[test]
fn what_is_not_utf_8_is_refused() {
    let message = "Invalid UTF-8 in parameter: description";
    assert_eq!(wrong("description=%ff"), expected(None, "description", message));
    let message = "Invalid UTF-8 in parameter: a%C3";
    assert_eq!(wrong("a%C3=1"), expected(None, "a%C3", message));
    let error = Form::decode(b"a=\xf0\x9f").unwrap_err();
    assert_eq!(error, FieldError::NotUtf8 { param: "a".to_owned() });
}

#[test]
fn names_without_a_name_or_with_unbalanced_brackets_are_refused() {
    for name in ["a[", "a[b", "a]", "a[b]]", "a[b]c", "a[[b]]", "[a]", "", "a[b][", "a%5Bb"] {
        let decoded = name.replace("%5B", "[");
        let message = format!("Invalid parameter name: {decoded}");
        assert_eq!(wrong(&format!("{name}=1")), expected(None, &decoded, &message));
    }
}

#[test]
fn a_parameter_is_not_a_text_and_a_table_at_once() {
    for (text, param) in [
        ("card=tok&card[number]=4", "card[number]"),
        ("card[number]=4&card=tok", "card"),
        ("a[b]=1&a[b][c]=2", "a[b][c]"),
        ("metadata=&metadata[a]=1", "metadata[a]"),
    ] {
        let message = format!("Received both a value and nested values for one parameter: {param}");
        assert_eq!(wrong(text), expected(None, param, &message));
    }
}

#[test]
fn every_limit_holds_and_names_the_parameter() {
    let longest = format!("a={}", "x".repeat(BODY_BYTES_MAX - 2));
    form(&longest);
    let bytes = BODY_BYTES_MAX + 1;
    let error = Form::decode(format!("{longest}x").as_bytes()).unwrap_err();
    assert_eq!(error, FieldError::BodyTooLong { bytes });

    let most = joined((0..PAIRS_MAX).map(|pair| format!("a[{pair}]=1")));
    form(&most);
    let error = Form::decode(format!("{most}&last=1").as_bytes()).unwrap_err();
    assert_eq!(error, FieldError::TooManyPairs { param: "last".to_owned() });

    let deepest = format!("a{}", "[b]".repeat(DEPTH_MAX - 1));
    form(&deepest);
    let param = format!("{deepest}[c]");
    let error = Form::decode(param.as_bytes()).unwrap_err();
    assert_eq!(error, FieldError::TooDeep { param });

    let longest = "k".repeat(KEY_BYTES_MAX);
    form(&longest);
    let param = format!("{longest}k");
    let error = Form::decode(param.as_bytes()).unwrap_err();
    assert_eq!(error, FieldError::KeyTooLong { bytes: KEY_BYTES_MAX + 1, param });
}

#[test]
fn an_error_repeats_no_more_than_a_thousand_characters() {
    let form = form(&format!("amount={}", "票".repeat(5000)));
    let error = form.parameters().amount("amount").unwrap_err();
    assert_eq!(error.to_string(), format!("Invalid integer: {}", "票".repeat(1000)));
}

#[test]
fn an_empty_value_is_refused_where_nothing_can_be_unset() {
    let form = form("customer=&description=");
    let parameters = form.parameters();
    let message = "You passed an empty string for 'customer'. We assume empty values are an \
                   attempt to unset a parameter; however 'customer' cannot be unset. You should \
                   remove 'customer' from your request or supply a non-empty value.";
    let error = parameters.text("customer").unwrap_err();
    assert_eq!(told(&error), expected(Some("parameter_invalid_empty"), "customer", message));
    assert_eq!(parameters.text_change("description"), Ok(Change::Unset));
    assert_eq!(parameters.text_change("receipt_email"), Ok(Change::Keep));
}

#[test]
fn a_number_that_is_none_is_refused_with_what_was_sent() {
    let code = Some("parameter_invalid_integer");
    for text in ["ten", "10.5", "1e3", "%2B5", " 5", "9223372036854775808", "-", "0x10", "１"] {
        let form = form(&format!("amount={text}"));
        let error = form.parameters().integer("amount").unwrap_err();
        let message = format!("Invalid integer: {}", text.replace("%2B", "+"));
        assert_eq!(told(&error), expected(code, "amount", &message));
    }
}

#[test]
fn an_amount_is_from_one_to_eight_digits() {
    let amount = |text: &str| form(&format!("amount={text}")).parameters().amount("amount");
    assert_eq!(amount("1"), Ok(Some(Amount::new(1))));
    assert_eq!(amount("99999999"), Ok(Some(Amount::new(99_999_999))));
    let param = || "amount".to_owned();
    assert_eq!(amount("0"), Err(FieldError::TooSmall { param: param(), least: 1 }));
    assert_eq!(amount("-5"), Err(FieldError::TooSmall { param: param(), least: 1 }));
    let error = amount("100000000").unwrap_err();
    assert_eq!(error.code(), Some("amount_too_large"));
    let message = "This value must be greater than or equal to 1.";
    assert_eq!(amount("0").unwrap_err().to_string(), message);
}

#[test]
fn an_integer_outside_its_range_is_refused_with_the_bound() {
    let form = form("limit=101&low=0");
    let parameters = form.parameters();
    let code = Some("parameter_invalid_integer");
    let error = parameters.integer_within("limit", 1..=100).unwrap_err();
    let message = "This value must be less than or equal to 100.";
    assert_eq!(told(&error), expected(code, "limit", message));
    assert!(parameters.integer_within("low", 1..=100).is_err());
    assert_eq!(parameters.integer_within("limit", 1..=101), Ok(Some(101)));
}

#[test]
fn a_boolean_is_true_or_false_and_may_begin_with_a_capital() {
    let form = form("a=TRUE&b=1&c=false&d=True");
    let parameters = form.parameters();
    let error = parameters.boolean("a").unwrap_err();
    assert_eq!(told(&error), expected(None, "a", "Invalid boolean: TRUE"));
    assert!(parameters.boolean("b").is_err());
    assert_eq!(parameters.boolean("c"), Ok(Some(false)));
    assert_eq!(parameters.boolean("d"), Ok(Some(true)));
}

#[test]
fn a_word_that_cannot_stand_there_is_refused_with_those_that_can() {
    let form = form("reason=none");
    let parameters = form.parameters();
    let reasons = &["duplicate", "fraudulent", "requested_by_customer"];
    let error = parameters.one_of("reason", reasons).unwrap_err();
    let message = "Invalid reason: must be one of duplicate, fraudulent, or requested_by_customer";
    assert_eq!(told(&error), expected(None, "reason", message));
    let error = parameters.one_of("reason", &["duplicate", "fraudulent"]).unwrap_err();
    let message = "Invalid reason: must be one of duplicate or fraudulent";
    assert_eq!(told(&error), expected(None, "reason", message));
}

#[test]
fn what_has_the_wrong_shape_is_refused_by_its_name() {
    let form = form("items[price]=x&expand=customer&card=tok&amount[a]=1&list[0]=x&none=");
    let parameters = form.parameters();
    let items = parameters.list("items").unwrap_err();
    assert_eq!(told(&items), expected(None, "items", "Invalid array"));
    let expand = parameters.texts("expand").unwrap_err();
    assert_eq!(told(&expand), expected(None, "expand", "Invalid array"));
    let card = parameters.table("card").unwrap_err();
    assert_eq!(told(&card), expected(None, "card", "Invalid object"));
    let number = parameters.text("card[number]").unwrap_err();
    assert_eq!(number, FieldError::InvalidObject { param: "card".to_owned() });
    let amount = parameters.amount("amount").unwrap_err();
    assert_eq!(amount, FieldError::InvalidString { param: "amount".to_owned() });
    let entry = parameters.list("list").unwrap_err();
    assert_eq!(entry, FieldError::InvalidObject { param: "list[0]".to_owned() });
    let none = parameters.texts("none").unwrap_err();
    assert_eq!(none, FieldError::Empty { param: "none".to_owned() });
}

#[test]
fn what_must_be_there_and_is_not_is_missing() {
    let error = required("amount", form("").parameters().amount("amount").unwrap()).unwrap_err();
    let message = "Missing required param: amount.";
    assert_eq!(told(&error), expected(Some("parameter_missing"), "amount", message));
    assert_eq!(required("amount", Some(1)), Ok(1));
}

#[test]
fn unknown_parameters_are_all_named() {
    let known =
        ["amount", "metadata", "payment_method_data[card][number]", "items[][price]", "expand"];
    let known_only = |text: &str| form(text).parameters().known_only(&known);
    let good = "amount=1&metadata[any]=1&payment_method_data[card][number]=4&items[7][price]=x\
                &items[8][price]=x&expand[]=a";
    assert_eq!(known_only(good), Ok(()));
    let code = Some("parameter_unknown");
    let one = known_only("amount=1&amuont=2").unwrap_err();
    assert_eq!(told(&one), expected(code, "amuont", "Received unknown parameter: amuont"));
    let nested = known_only("payment_method_data[card][numbre]=4").unwrap_err();
    assert_eq!(nested.param(), Some("payment_method_data[card][numbre]"));
    let entry = known_only("items[3][price]=x&items[3][colour]=red").unwrap_err();
    assert_eq!(entry.param(), Some("items[3][colour]"));
    let many = known_only("b[x]=1&b[y]=2&a=1").unwrap_err();
    assert_eq!(told(&many), expected(code, "a", "Received unknown parameters: a, b"));
}

#[test]
fn what_is_unknown_in_a_table_has_its_whole_name() {
    let form = form("card[number]=4&card[owner][x]=me");
    let card = form.parameters().table("card").unwrap().unwrap();
    assert_eq!(card.known_only(&["number"]).unwrap_err().param(), Some("card[owner]"));
    let error = card.integer("owner[x]").unwrap_err();
    assert_eq!(error.param(), Some("card[owner][x]"));
}

#[test]
fn moments_are_filtered_by_any_bounds() {
    let moments = |text: &str| form(text).parameters().moments("created");
    assert_eq!(moments(""), Ok(None));
    assert_eq!(moments("created=5"), Ok(Some(5..=5)));
    assert_eq!(moments("created[gte]=5&created[lt]=9"), Ok(Some(5..=8)));
    assert_eq!(moments("created[gt]=5&created[gte]=3&created[lte]=9"), Ok(Some(6..=9)));
    assert_eq!(moments("created[lte]=9&created[lt]=4"), Ok(Some(i64::MIN..=3)));
    assert!(moments("created[gt]=9223372036854775807").unwrap().is_some());
    assert_eq!(moments("created[from]=5").unwrap_err().param(), Some("created[from]"));
    assert_eq!(moments("created[gt]=x").unwrap_err().param(), Some("created[gt]"));
}

#[test]
fn metadata_sets_unsets_and_clears() {
    let change = |text: &str| form(text).parameters().metadata("metadata").unwrap();
    assert_eq!(change(""), None);
    let merged = [("a".to_owned(), None), ("注文".to_owned(), Some("七".to_owned()))];
    let merged = MetadataChange::Merge(merged.into());
    assert_eq!(change("metadata[a]=&metadata[注文]=七"), Some(merged));
    assert_eq!(change("metadata="), Some(MetadataChange::Clear));
}

#[test]
fn metadata_beyond_its_limits_is_refused_in_characters_not_bytes() {
    let read = |text: String| form(&text).parameters().metadata("metadata");
    let (key, value) = ("鍵".repeat(40), "値".repeat(500));
    assert!(read(format!("metadata[{key}]={value}")).is_ok());
    let error = read(format!("metadata[{key}x]=1")).unwrap_err();
    let message = format!(
        "Metadata keys can have up to 40 characters, but you passed in a key that is 41 \
         characters. Invalid key: {key}x"
    );
    assert_eq!(told(&error), expected(None, "metadata", &message));
    let error = read(format!("metadata[a]={value}x")).unwrap_err();
    let message = format!(
        "Metadata values can have up to 500 characters, but you passed in a value that is 501 \
         characters. Invalid value: {value}x"
    );
    assert_eq!(told(&error), expected(None, "metadata", &message));
    let error = read("metadata[a][b]=1".to_owned()).unwrap_err();
    assert_eq!(error, FieldError::InvalidString { param: "metadata[a]".to_owned() });
    let error = read("metadata=text".to_owned()).unwrap_err();
    assert_eq!(error, FieldError::InvalidObject { param: "metadata".to_owned() });
}

#[test]
fn a_call_sets_fifty_keys_of_metadata_at_most() {
    let fill = |keys: std::ops::Range<u32>| {
        let text = joined(keys.map(|key| format!("metadata[k{key}]=1")));
        form(&text).parameters().metadata("metadata")
    };
    let too_many = FieldError::MetadataTooMany { param: "metadata".to_owned(), keys: 51 };
    assert_eq!(fill(0..51), Err(too_many));
    let Ok(Some(MetadataChange::Merge(keys))) = fill(0..50) else { panic!("fifty are few enough") };
    assert_eq!(keys.len(), 50);
}

#[test]
fn different_requests_have_different_fingerprints() {
    let texts = [
        "",
        "a=",
        "a=1",
        "a=2",
        "b=1",
        "a=1&b=1",
        "a[b]=1",
        "a[0]=1",
        "a[0]=1&a[1]=1",
        "a=b%3D1",
        "ab=1",
        "a=11",
        "a=1&b=",
        "a[b][c]=1",
        "a[b]=c%3D1",
    ];
    let prints: std::collections::BTreeSet<u64> =
        texts.iter().map(|text| form(text).fingerprint()).collect();
    assert_eq!(prints.len(), texts.len());
    assert_eq!(form("a=1&b[c]=2").fingerprint(), form("b%5Bc%5D=2&a=%31").fingerprint());
}

/// Names as they occur, and as they do not.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        select(vec![
            "amount", "metadata", "card", "0", "1", "10", "00", "é", "座席", " ", "%", "="
        ])
        .prop_map(str::to_owned),
        "[^\\[\\]]{1,6}",
    ]
}

fn field() -> impl Strategy<Value = Field> {
    let text = any::<String>().prop_map(Field::Text);
    text.prop_recursive(5, 40, 5, |inner| {
        prop::collection::btree_map(name(), inner, 1..5).prop_map(Field::Table)
    })
}

fn any_form() -> impl Strategy<Value = Form> {
    prop::collection::btree_map(name(), field(), 0..6).prop_map(|fields| Form { fields })
}

/// Few bodies: two of them are often equal, and else nearly so.
fn few() -> impl Strategy<Value = String> {
    let pair = select(vec!["a=", "a=1", "b[]=1", "b[]=2", "b[0]=1", "b[c]=1", "b[c]=", "ab=1"]);
    prop::collection::vec(pair, 0..3).prop_map(|pairs| pairs.join("&"))
}

/// Pieces of which bodies are made, also wrong ones.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let piece = select(vec![
        "a",
        "b",
        "metadata",
        "[",
        "]",
        "[]",
        "[0]",
        "[1]",
        "[a]",
        "[b]",
        "=",
        "&",
        "&",
        "+",
        "%",
        "%5B",
        "%5D",
        "%ff",
        "%E5%B8%AD",
        "1",
        "é",
    ]);
    let pieces = prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat());
    prop_oneof![pieces.prop_map(String::into_bytes), any::<Vec<u8>>()]
}

/// What holds for every body, also for those of the fuzzer.
fn assert_sound(bytes: &[u8]) {
    let Ok(form) = Form::decode(bytes) else { return };
    let again = Form::decode(form.encode().as_bytes()).unwrap();
    assert_eq!(again, form);
    assert_eq!(again.fingerprint(), form.fingerprint());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_body_makes_the_decoder_panic_and_decoded_forms_survive_encoding(bytes in body()) {
        assert_sound(&bytes);
    }

    #[test]
    fn every_form_is_decoded_from_its_encoding(form in any_form()) {
        let encoded = form.encode();
        prop_assert_eq!(Form::decode(encoded.as_bytes()), Ok(form));
    }

    #[test]
    fn the_order_of_pairs_does_not_count(
        (sent, shuffled) in any_form().prop_flat_map(|form| {
            let pairs: Vec<String> = form.encode().split('&').map(str::to_owned).collect();
            (Just(pairs.join("&")), Just(pairs).prop_shuffle())
        })
    ) {
        let (sent, shuffled) = (form(&sent), form(&shuffled.join("&")));
        prop_assert_eq!(sent.fingerprint(), shuffled.fingerprint());
        prop_assert_eq!(sent, shuffled);
    }

    #[test]
    fn forms_are_equal_exactly_when_their_fingerprints_are(one in few(), other in few()) {
        let (one, other) = (form(&one), form(&other));
        prop_assert_eq!(one == other, one.fingerprint() == other.fingerprint());
    }

    #[test]
    fn no_form_makes_a_reader_panic(form in any_form(), name in name()) {
        let parameters = form.parameters();
        for name in [name.clone(), "metadata".to_owned(), format!("card[{name}]")] {
            let errors = [
                parameters.amount(&name).err(), parameters.boolean(&name).err(),
                parameters.texts(&name).err(), parameters.list(&name).err(),
                parameters.moments(&name).err(), parameters.metadata(&name).err(),
                parameters.text_change(&name).err(), parameters.known_only(&["amount"]).err(),
            ];
            for error in errors.into_iter().flatten() {
                prop_assert!(error.param().is_some_and(|param| !param.is_empty()));
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }
}
