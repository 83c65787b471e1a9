//! Lists, pages and expansion.

use serde_json::{Value, json};

use crate::{Shop, TAKEN, path};

fn ids(told: &crate::Told) -> Vec<&str> {
    let data = told.body["data"].as_array().unwrap_or_else(|| panic!("{}", told.text));
    data.iter().map(|object| object["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_list_is_walked_in_both_directions_without_a_gap() {
    let shop = Shop::new();
    let mut made = Vec::new();
    for _ in 0..7 {
        let intent = shop.create("amount=2400&currency=jpy").await;
        made.insert(0, intent["id"].as_str().unwrap().to_owned());
    }
    let get = async |query: &str| shop.get(&format!("/v1/payment_intents{query}")).await;
    let first = get("?limit=3").await;
    assert_eq!(ids(&first), &made[..3]);
    assert_eq!(
        (&first.body["object"], &first.body["url"]),
        (&json!("list"), &json!("/v1/payment_intents"))
    );
    let second = get(&format!("?limit=3&starting_after={}", made[2])).await;
    assert_eq!(
        (ids(&second), &second.body["has_more"]),
        (made[3..6].iter().map(String::as_str).collect(), &json!(true))
    );
    let last = get(&format!("?limit=3&starting_after={}", made[5])).await;
    assert_eq!((ids(&last), &last.body["has_more"]), (vec![&*made[6]], &json!(false)));
    let back = get(&format!("?limit=3&ending_before={}", made[6])).await;
    assert_eq!(
        (ids(&back), &back.body["has_more"]),
        (made[3..6].iter().map(String::as_str).collect(), &json!(true))
    );
    assert_eq!(ids(&get("").await), made);
    let now = first.body["data"][0]["created"].as_u64().unwrap();
    assert_eq!(ids(&get(&format!("?created[gt]={}", now + 100)).await), Vec::<&str>::new());
    assert_eq!(
        ids(&get(&format!("?created[gte]={}&created[lt]={}", now - 100, now + 100)).await),
        made
    );
    assert_eq!(ids(&get("?created[lt]=-1").await), Vec::<&str>::new());
}

#[tokio::test]
async fn a_page_out_of_range_is_refused() {
    let shop = Shop::new();
    for (query, code, param) in [
        ("limit=0", "parameter_invalid_integer", "limit"),
        ("limit=101", "parameter_invalid_integer", "limit"),
        ("starting_after=pi_none", "resource_missing", "starting_after"),
        ("ending_before=pi_000000000000000000000099", "resource_missing", "ending_before"),
        ("created[around]=5", "parameter_unknown", "created[around]"),
        ("colour=blue", "parameter_unknown", "colour"),
    ] {
        let told = shop.get(&format!("/v1/payment_intents?{query}")).await;
        assert_eq!(told.wrong(), (400, code, param), "{query}");
    }
}

#[tokio::test]
async fn charges_are_listed_of_one_payment_and_of_all() {
    let shop = Shop::new();
    let mut charges = Vec::new();
    let mut intents = Vec::new();
    for _ in 0..3 {
        let declined = TAKEN.replace("pm_card_visa", "pm_card_chargeDeclined");
        let error = shop.post("/v1/payment_intents", &declined).await.body;
        let intent = &error["error"]["payment_intent"];
        let confirm = path("payment_intents", intent, "/confirm");
        let taken = shop.post(&confirm, "payment_method=pm_card_visa").await.body;
        shop.create("amount=2400&currency=jpy").await;
        for charge in [&intent["latest_charge"], &taken["latest_charge"]] {
            charges.insert(0, charge.as_str().unwrap().to_owned());
        }
        intents.push(taken["id"].as_str().unwrap().to_owned());
    }
    let of_one = shop.get(&format!("/v1/charges?payment_intent={}", intents[2])).await;
    assert_eq!(ids(&of_one), &charges[..2]);
    let mut walked: Vec<String> = Vec::new();
    loop {
        let after = walked.last().map(|id| format!("&starting_after={id}")).unwrap_or_default();
        let page = shop.get(&format!("/v1/charges?limit=1{after}")).await;
        walked.extend(ids(&page).into_iter().map(str::to_owned));
        if page.body["has_more"] == false {
            break;
        }
    }
    assert_eq!(walked, charges);
    let before = shop.get(&format!("/v1/charges?limit=2&ending_before={}", charges[3])).await;
    assert_eq!(ids(&before), &charges[1..3]);
}

#[tokio::test]
async fn names_are_expanded_to_what_they_name() {
    let shop = Shop::new();
    let expand = "expand[]=latest_charge.balance_transaction&expand[1]=payment_method\
                  &expand[]=latest_charge.payment_intent";
    let taken = shop.create(&format!("{TAKEN}&{expand}")).await;
    let charge = &taken["latest_charge"];
    assert_eq!(
        (&charge["object"], &charge["balance_transaction"]),
        (&json!("charge"), &Value::Null)
    );
    assert_eq!(charge["payment_intent"]["id"], taken["id"]);
    assert_eq!(charge["payment_method"], taken["payment_method"]["id"]);
    let list = shop.get("/v1/payment_intents?expand[]=data.latest_charge").await.body;
    assert_eq!(list["data"][0]["latest_charge"]["id"], charge["id"]);
}
