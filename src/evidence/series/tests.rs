//! What is read of files as people and tools write them, and what is told of wrong ones.

use proptest::prelude::*;

use super::*;

/// A run that began at noon UTC of Christmas Eve 2026 and opened after 40 s.
const RUN: Calendar = Calendar { began_utc_ns: Some(1_798_113_600_000_000_000), opening_s: 40.0 };

fn rows(text: &str) -> Vec<(f64, String, Option<f64>, String)> {
    let sheet = read(text.as_bytes(), &RUN).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let row = |row: Row| (row.at_s, row.series, row.value, row.text.unwrap_or_default());
    sheet.rows.into_iter().map(row).collect()
}

/// What is wrong, each with what stands at its place.
fn faults(text: &str) -> Vec<(String, String)> {
    let told = read(text.as_bytes(), &RUN).expect_err("something is wrong");
    let place = |fault: &Fault| fault.span.clone().map_or("", |span| &text[span]).to_owned();
    told.iter().map(|fault| (place(fault), fault.message.clone())).collect()
}

#[test]
fn a_moment_is_read_in_every_form_that_people_and_tools_write() {
    for (text, at_s) in [
        ("2026-12-24T12:00:10Z", 10.0),
        ("2026-12-24T21:00:10.5+09:00", 10.5),
        ("2026-12-24 12:00:10Z", 10.0),
        ("1798113610", 10.0),
        ("1798113610.25", 10.25),
        ("1798113610000", 10.0),
        ("-30", 10.0),
        ("+5.5", 45.5),
        ("0", 40.0),
        ("-25s", 15.0),
        ("+2m", 160.0),
        ("2026-12-24T11:00:00Z", -3_600.0),
    ] {
        let read = rows(&format!("time,series,value\n{text},a,1\n"));
        assert!((read[0].0 - at_s).abs() < 1e-4, "{text}: {}", read[0].0);
    }
    for text in
        ["soon", "2026-12-24T12:00:10", "1798113610000000", "NaN", "", "2026-13-24T12:00:10Z"]
    {
        let told = faults(&format!("time,series,value\n{text},a,1\n"));
        assert_eq!(told.len(), 1, "{text}: {told:?}");
        assert!(text.is_empty() || told[0].0 == text, "{told:?}");
    }
    let virtual_time = Calendar { began_utc_ns: None, ..RUN };
    assert!(read(b"time,series,value\n-3,a,1", &virtual_time).is_ok());
    let told = read(b"time,series,value\n1798113610,a,1", &virtual_time).unwrap_err();
    assert_eq!(told[0].message, "a simulated run has no date");
}

#[test]
fn columns_stand_in_any_order_and_a_row_is_a_value_an_event_or_both() {
    let text = "\u{feff}text,value,who,TIME,series\r\n\"v12, at last\",,me,-30,deploys\r\n,3,,0,tasks\r\n\
                scale out,8,,+5,tasks\r\n";
    let deploy = (10.0, "deploys".to_owned(), None, "v12, at last".to_owned());
    let tasks = |at_s, value, text: &str| (at_s, "tasks".to_owned(), Some(value), text.to_owned());
    assert_eq!(rows(text), [deploy, tasks(40.0, 3.0, ""), tasks(45.0, 8.0, "scale out")]);
    let sheet = read(text.as_bytes(), &RUN).unwrap();
    assert_eq!(sheet.ignored, ["who".to_owned()].into());
    assert_eq!(rows("time;series;value\n0;a;1.5\n")[0].2, Some(1.5));
}

#[test]
fn a_wide_export_has_a_column_for_each_series() {
    // As Grafana exports series joined by time, for Excel.
    let text = "sep=,\n\"Time\",\"up{job=\"\"db\"\"}\",cpu\n1798113600000,1,12.5\n1798113615000,,NaN\n\
                1798113630000,0,null\n";
    let up = |at_s, value| (at_s, "up{job=\"db\"}".to_owned(), Some(value), String::new());
    let cpu = (0.0, "cpu".to_owned(), Some(12.5), String::new());
    assert_eq!(rows(text), [up(0.0, 1.0), cpu, up(30.0, 0.0)]);
    assert_eq!(
        faults("Time,cpu\n0,12.5%\n"),
        [("12.5%".to_owned(), "the value \"12.5%\" is no number".to_owned())]
    );
}

#[test]
fn json_lines_say_the_same() {
    let text = "{\"time\":-30,\"series\":\"push\",\"text\":\"on sale!\"}\n\n\
                {\"series\":\"tasks\",\"value\":4,\"time\":\"2026-12-24T12:00:10Z\",\"az\":\"a\"}\n";
    let push = (10.0, "push".to_owned(), None, "on sale!".to_owned());
    assert_eq!(rows(text), [push, (10.0, "tasks".to_owned(), Some(4.0), String::new())]);
    assert_eq!(read(text.as_bytes(), &RUN).unwrap().ignored, ["az".to_owned()].into());
}

#[test]
fn all_that_is_wrong_is_told_at_once_each_at_its_place() {
    let text =
        "time,series,value,text\nyesterday,a,1,\n0,,1,\n1,a,many,\n2,a,,\n3,a,1\n4,a,5,fine\n";
    let told = faults(text);
    let expected = [
        ("yesterday", "\"yesterday\" is no time"),
        ("0,,1,", "the row has no series"),
        ("many", "the value \"many\" is no number"),
        ("2,a,,", "the row has neither a value nor a text"),
        ("3,a,1", "the row has 3 values for 4 columns"),
    ];
    assert_eq!(told, expected.map(|(place, message)| (place.to_owned(), message.to_owned())));
    let told =
        faults("{\"time\":0,\"series\":\"a\"\n{\"time\":0,\"series\":\"a\",\"value\":true}\n[1]\n");
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(told[1].0, "true");
    for (text, message) in [
        ("", "the file is empty"),
        ("[{}]", "the file is one JSON array"),
        ("a,b\n1,2", "no column is called `time`"),
        ("time\n1", "there is no column beside the time"),
        ("time,text\n1,x", "no column `series` says whose the texts are"),
        ("time,series\n1,x", "there is neither a column `value` nor a column `text`"),
        ("time,series,value\n", "the file has no rows"),
    ] {
        let told = faults(text);
        assert_eq!((told.len(), told[0].1.as_str()), (1, message), "{text}");
    }
    assert_eq!(read(b"time\xff", &RUN).unwrap_err()[0].message, "the file is not UTF-8");
}

#[test]
fn too_much_is_refused_with_the_limit() {
    let many = |count: usize, row: fn(usize) -> String| {
        (0..count).fold("time,series,value\n".to_owned(), |text, number| text + &row(number))
    };
    let told = faults(&many(ROWS_MAX + 1, |number| format!("{number},a,1\n")));
    assert_eq!(told, [(String::new(), "the file has more than 100000 rows".to_owned())]);
    let told = faults(&many(SERIES_MAX + 1, |number| format!("0,s{number},1\n")));
    assert_eq!(told, [("s64".to_owned(), "\"s64\" is one series too many".to_owned())]);
    let told = faults(&many(60, |_| "0,a,x\n".to_owned()));
    assert_eq!((told.len(), told[50].1.as_str()), (51, "10 more are wrong"));
    let told = faults(&format!("time,series,value\n0,{},1\n", "x".repeat(201)));
    assert_eq!(told[0].1, "the series has 201 letters");
}

proptest! {
    #[test]
    fn no_bytes_break_the_reader(bytes: Vec<u8>) {
        let _ = read(&bytes, &RUN);
    }

    #[test]
    fn no_text_breaks_the_reader_and_every_fault_has_a_place_in_it(
        text in "(\u{feff})?(time|time,series,value,text|\\{)?[-,;\"\r\n {}:0-9a-zT+é]{0,60}",
    ) {
        for fault in read(text.as_bytes(), &RUN).err().into_iter().flatten() {
            prop_assert!(fault.span.is_none_or(|span| text.get(span).is_some()));
        }
    }
}
