//! `spike init`: the first scenario for a shop of one's own.

use serde_json::json;

use crate::program::Desk;

#[test]
fn a_starter_or_a_draft_is_written_and_never_over_a_file() {
    let desk = Desk::new();
    let said = desk.say(&["init", "our-shop.toml"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), ""), "{}", said.stderr);
    let starter = desk.read("our-shop.toml");
    assert!(starter.contains("name = \"our-shop\"") && starter.contains("spike try our-shop.toml"));

    let said = desk.say(&["init", "our-shop.toml"]);
    assert_eq!(said.code, Some(1));
    assert!(said.stderr.contains("our-shop.toml"), "{}", said.stderr);
    assert_eq!(desk.read("our-shop.toml"), starter);

    let answer = json!({ "status": 200, "content": { "mimeType": "text/html", "text": "a page" } });
    let sent =
        json!({ "mimeType": "application/x-www-form-urlencoded", "text": "email=a%40b.example" });
    let entries = json!([
        { "request": { "method": "GET", "url": "http://127.0.0.1:8000/" }, "response": answer },
        {
            "request": { "method": "POST", "url": "http://127.0.0.1:8000/buy", "postData": sent },
            "response": answer,
        },
    ]);
    desk.write("visit.har", &json!({ "log": { "entries": entries } }).to_string());
    let said = desk.say(&["init", "drafted.toml", "--har", "visit.har"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stderr.ends_with("next: spike check drafted.toml\n"), "{}", said.stderr);
    assert!(desk.read("drafted.toml").contains("form = { email = \"{{email}}\" }"));
    assert!(desk.read("fans.csv").starts_with("email\nfan-1@shop.example\n"));

    // The fans' data is there already, and belongs to another scenario.
    let said = desk.say(&["init", "again.toml", "--har", "visit.har"]);
    assert_eq!(said.code, Some(1));
    assert!(said.stderr.contains("fans.csv") && !desk.file("again.toml").exists());
}
