//! A page of HTML as a person reads it who writes rules and captures: its words, line by line, and the
//! tags of its forms, which hold tokens.

use crate::live::transcript::Exchange;

/// Elements whose inside is for machines.
const HIDDEN: [&str; 4] = ["script", "style", "svg", "template"];
/// Elements within a line.
const WITHIN: [&str; 12] =
    ["a", "abbr", "b", "code", "em", "i", "label", "small", "span", "strong", "sub", "sup"];
/// Elements whose tags are shown, for a capture may need them.
const SHOWN: [&str; 6] = ["form", "input", "button", "select", "option", "textarea"];

/// Whether an answer is a page of HTML.
pub(super) fn is_page(exchange: &Exchange) -> bool {
    let kind = exchange.fields.iter().find_map(|field| {
        let (name, value) = field.split_once(':')?;
        name.eq_ignore_ascii_case("content-type").then(|| value.trim().to_ascii_lowercase())
    });
    kind.is_some_and(|kind| kind.starts_with("text/html") || kind.starts_with("application/xhtml"))
}

/// The words and forms of a page, without blank lines.
pub(super) fn readable(html: &str) -> String {
    let (mut lines, mut line, mut rest) = (Vec::new(), String::new(), html);
    while let Some(at) = rest.find('<') {
        line.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        let end = rest.find('>').map_or(rest.len(), |end| end + 1);
        let (tag, after) = rest.split_at(end);
        rest = after;
        let name = name_of(tag);
        if HIDDEN.contains(&name.as_str()) && !tag.starts_with("</") {
            let close = format!("</{name}");
            rest = find_ignoring_case(rest, &close).map_or("", |at| &rest[at..]);
            continue;
        }
        if !WITHIN.contains(&name.as_str()) {
            lines.push(std::mem::take(&mut line));
        }
        let is_token = name == "meta" && tag.contains("csrf");
        if (SHOWN.contains(&name.as_str()) || is_token) && !tag.starts_with("</") {
            lines.push(tag.to_owned());
        }
    }
    line.push_str(rest);
    lines.push(line);
    let plain = |line: &String| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let words = words.join(" ");
        let is_tag = words.starts_with('<');
        if is_tag { words } else { html_escape::decode_html_entities(&words).into_owned() }
    };
    let lines: Vec<String> = lines.iter().map(plain).filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}

/// The name of a tag, in lower case: `form` of `</FORM>`.
fn name_of(tag: &str) -> String {
    let from = tag.trim_start_matches(['<', '/']);
    let end = from.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(from.len());
    from[..end].to_ascii_lowercase()
}

fn find_ignoring_case(text: &str, wanted: &str) -> Option<usize> {
    let windows = text.as_bytes().windows(wanted.len());
    let mut found =
        windows.enumerate().filter(|(_, bytes)| bytes.eq_ignore_ascii_case(wanted.as_bytes()));
    found.next().map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn of_a_page_its_words_and_forms_are_left() {
        let html = "<!doctype html><html><head><title>Tour</title><style>p { x }</style>\
                    <meta name=\"csrf-token\" content=\"t1\"></head><body><!-- <p>gone -->\
                    <nav><SCRIPT>if (a < b) x()</script></nav>\n\n  <div class=alert>It has been\n added \
                    to your <b>cart</b> &amp; so on</div><form action=/buy>\n<input type=hidden name=csrf \
                    value=\"a&amp;b\"><button>Buy</button></form>";
        let expected = "Tour\n<meta name=\"csrf-token\" content=\"t1\">\nIt has been added to your cart \
                        & so on\n<form action=/buy>\n<input type=hidden name=csrf value=\"a&amp;b\">\n\
                        <button>\nBuy";
        assert_eq!(readable(html), expected);
        assert_eq!(readable("no page at all"), "no page at all");
        assert_eq!(readable("cut <script off"), "cut");
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in "(<|>|/|!--|-->|script|form|é|[ -~]){0,40}") {
            let _ = readable(&text);
        }
    }
}
