//! `spike plan` and `spike forecast`: what follows from a file of prices, and from a table of sales.

use std::fs;
use std::path::Path;

use crate::program::{Said, spike};

fn shipped(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name).display().to_string()
}

#[test]
fn a_file_of_prices_says_from_which_load_on_a_machine_costs_less() {
    let prices = shipped("prices/aurora.toml");
    let said = Said::of(spike().args(["plan", &prices, "--mean", "10%"]));
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{said:?}");
    for line in [
        "db.r6g.large or serverless, 8 capacity units",
        "USD a month",
        "211.70   below 20.1 % of its CPU",
        "105.85   below 9.6 % of its CPU",
        "74.09   below 6.3 % of its CPU",
        "serverless, at 10.0 %",
    ] {
        assert!(said.stdout.contains(line), "{line}: {}", said.stdout);
    }
    assert!(!said.stdout.contains("too small"), "{}", said.stdout);
}

#[test]
fn prices_that_cannot_be_are_told_all_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("prices.toml");
    let right = fs::read_to_string(shipped("prices/aurora.toml")).unwrap();
    let wrong = right
        .replace("per_hour = 0.29", "per_hour = 0")
        .replace("utilisation = 0.667", "utilisation = 66.7");
    fs::write(&file, wrong).unwrap();
    let said = Said::of(spike().arg("plan").arg(&file));
    assert_eq!((said.code, said.stdout.as_str()), (Some(104), ""), "{said:?}");
    for told in [
        "`machine.per_hour` is 0\n",
        "prices.toml:13:12",
        "must be a number, more than 0",
        "`serverless.utilisation` is 66.7",
        "is not a valid file of prices: 2 problems\n",
        "verdict: invalid_scenario (104)",
    ] {
        assert!(said.stderr.contains(told), "{told}: {}", said.stderr);
    }
    fs::write(&file, right.replace("per_hour", "per_our")).unwrap();
    let said = Said::of(spike().arg("plan").arg(&file));
    assert_eq!(said.code, Some(104), "{said:?}");
    assert!(said.stderr.contains("did you mean `per_hour`?"), "{said:?}");
}

/// The words of the line that begins so.
fn row<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    text.lines().find(|line| line.starts_with(name)).unwrap().split_whitespace().collect()
}

#[test]
fn a_table_of_sales_foretells_those_to_come_with_a_peek_and_without() {
    let said = Said::of(spike().args(["forecast", &shipped("examples/demand/sales.csv")]));
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{said:?}");
    assert!(said.stdout.starts_with("learned from 14 sales\n"), "{}", said.stdout);
    // Name, expected, by the peek, 9 of 10, 19 of 20, credibility, `of`, organizer; nobody looked at the stadium.
    let (seen, unseen) = (row(&said.stdout, "arena-2"), row(&said.stdout, "stadium"));
    assert_eq!((seen.len(), unseen.len()), (8, 7), "{}", said.stdout);
    let number = |word: &str| word.parse::<f64>().unwrap();
    assert!(number(seen[2]) < number(seen[3]) && number(seen[3]) < number(seen[4]), "{seen:?}");
    assert!(said.stdout.contains("the last 4 of these sales"), "{}", said.stdout);
    assert!(said.stdout.contains("by the peek."), "{}", said.stdout);
}

#[test]
fn a_table_that_teaches_nothing_is_told_with_its_lines() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sales.csv");
    fs::write(&file, "sale,organizer,exposure,peek,peak\na,x,0,,5\nb,x,9,-2,5\n").unwrap();
    let said = Said::of(spike().arg("forecast").arg(&file));
    assert_eq!((said.code, said.stdout.as_str()), (Some(104), ""), "{said:?}");
    for told in [
        "`exposure` is 0\n",
        "sales.csv:2:1",
        "`peek` is -2\n",
        "sales.csv:3:1",
        "is not a valid table of sales: 2 problems\n",
    ] {
        assert!(said.stderr.contains(told), "{told}: {}", said.stderr);
    }
    let said = Said::of(spike().arg("forecast").arg(folder.path().join("none.csv")));
    assert_eq!(said.code, Some(104), "{said:?}");
    assert!(said.stderr.contains("none.csv"), "{said:?}");
}
