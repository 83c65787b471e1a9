//! A value in an HTML page, by the selector of one element: `input[name=csrf_token]`, `#buy.big`, and
//! by what it stands in: `#buy input[name=csrf_token]`.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memchr_iter};

/// A compiled selector, and what is wanted of the element that it fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Selector {
    /// What the element stands in, the outermost first.
    around: Box<[Box<str>]>,
    element: Box<str>,
    attribute: Option<Box<str>>,
}

/// Where an element stands in its page: its own tag, and all up to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Span {
    begins: usize,
    inside: Range<usize>,
}

impl Selector {
    /// Compiles `text`; `None` when it is no selector of one element by what it itself is and by what
    /// it stands in.
    pub(super) fn compile(text: &str, attribute: Option<&str>) -> Option<Self> {
        let mut parts = words(text);
        if !parts.iter().all(|part| stands_alone(part) && tl::parse_query_selector(part).is_some())
        {
            return None;
        }
        let element = parts.pop()?.into_boxed_str();
        let around = parts.into_iter().map(String::into_boxed_str).collect();
        Some(Self { around, element, attribute: attribute.map(Into::into) })
    }

    /// The value in `body`, its character references undone.
    pub(super) fn find<'body>(&self, body: &'body [u8]) -> Option<Cow<'body, [u8]>> {
        // What is no page, such as JSON, is not taken apart.
        memchr(b'<', body)?;
        let text = str::from_utf8(body).ok()?;
        let page = tl::parse(text, tl::ParserOptions::default()).ok()?;
        let mut rooms: Vec<Range<usize>> = std::iter::once(0..text.len()).collect();
        for selector in &self.around {
            rooms = inside(&page, selector, &rooms, text);
        }
        let tag = elements(&page, &self.element, &rooms).next()?;
        let value = match &self.attribute {
            Some(name) => tag.attributes().get(&**name)??.as_utf8_str().into_owned(),
            None => inner_text(&page, &span(tag, &page, text), text),
        };
        let value = html_escape::decode_html_entities(&value).into_owned();
        Some(Cow::Owned(value.into_bytes()))
    }
}

/// The elements that `selector` fits in one of `rooms`, in the order of the page.
fn elements<'page, 'body: 'page>(
    page: &'page tl::VDom<'body>,
    selector: &'page str,
    rooms: &'page [Range<usize>],
) -> impl Iterator<Item = &'page tl::HTMLTag<'body>> {
    let parser = page.parser();
    let found = page.query_selector(selector).into_iter().flatten();
    let tags = found.filter_map(move |node| node.get(parser)?.as_tag());
    tags.filter(move |tag| {
        let begins = tag.boundaries(parser).0;
        let next = rooms.partition_point(|room| room.start <= begins);
        next > 0 && begins < rooms[next - 1].end
    })
}

/// What stands inside of the elements that `selector` fits in one of `rooms`: each piece of the page
/// once, in its order.
fn inside(
    page: &tl::VDom<'_>,
    selector: &str,
    rooms: &[Range<usize>],
    text: &str,
) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut ends: Vec<(&[u8], usize)> = Vec::new();
    for tag in elements(page, selector, rooms) {
        let (begins, name) = (tag.boundaries(page.parser()).0, tag.name().as_bytes());
        // What stands in another of its name ends in it, too.
        if ends.iter().any(|(known, end)| *known == name && begins < *end) {
            continue;
        }
        let inside = span(tag, page, text).inside;
        ends.retain(|(known, _)| *known != name);
        ends.push((name, inside.end));
        match found.last_mut() {
            Some(last) if inside.start <= last.end => last.end = last.end.max(inside.end),
            _ => found.push(inside),
        }
    }
    found
}

/// Where `tag` stands. Its end is looked for by its name: the library takes no end of a `<form>` for
/// one as long as a `<p>` in it has none. What is never closed reaches to the end of the page.
fn span(tag: &tl::HTMLTag<'_>, page: &tl::VDom<'_>, text: &str) -> Span {
    let begins = tag.boundaries(page.parser()).0;
    let name = tag.name().as_bytes();
    let bytes = text.as_bytes();
    let (mut open, mut end) = (1_usize, bytes.len());
    let inside = begins + 1 + name.len();
    let is_named = |from: usize| {
        let word = bytes.get(from..from + name.len());
        let after = bytes.get(from + name.len());
        word.is_some_and(|word| word.eq_ignore_ascii_case(name))
            && after.is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'-')
    };
    for at in memchr_iter(b'<', &bytes[begins + 1..]).map(|at| begins + 1 + at) {
        if is_named(at + 1) {
            open += 1;
        } else if bytes.get(at + 1) == Some(&b'/') && is_named(at + 2) {
            open -= 1;
            if open == 0 {
                end = at;
                break;
            }
        }
    }
    Span { begins, inside: inside.min(end)..end }
}

/// The text in an element, without markup. The library's own way calls itself for each element inside
/// of another, however many there are.
fn inner_text(page: &tl::VDom<'_>, span: &Span, text: &str) -> String {
    let begins = text.as_ptr() as usize;
    let mut inner = String::new();
    for raw in page.nodes().iter().filter_map(tl::Node::as_raw) {
        let at = (raw.as_bytes().as_ptr() as usize).wrapping_sub(begins);
        if at > span.begins && span.inside.contains(&at) {
            inner.push_str(&raw.as_utf8_str());
        }
    }
    inner.trim().to_owned()
}

/// The parts of a selector between blanks; blanks in brackets part nothing.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut in_brackets = false;
    for letter in text.trim().chars() {
        in_brackets = letter == '[' || (in_brackets && letter != ']');
        if letter.is_whitespace() && !in_brackets {
            if words.last().is_some_and(|word| !word.is_empty()) {
                words.push(String::new());
            }
        } else if let Some(word) = words.last_mut() {
            word.push(letter);
        }
    }
    words
}

/// Whether a part of a selector names nothing that stands right above or beside its element, which
/// only the order of the tags would tell.
fn stands_alone(text: &str) -> bool {
    let mut in_brackets = false;
    text.chars().all(|letter| {
        in_brackets = letter == '[' || (in_brackets && letter != ']');
        in_brackets || !matches!(letter, '>' | '+' | '~')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<!doctype html><html><head><meta name="csrf" content="from-head"></head>
<body><!-- <input name="csrf_token" value="commented out"> -->
<form id=buy class="big form"><input type="hidden" name="csrf_token" value="a&amp;b==">
<button data-sku='tee-1'> Buy <b>now</b> </button></form><p>7 &lt; 8</p></body></html>"#;

    fn found_in(page: &str, selector: &str, attribute: Option<&str>) -> Option<String> {
        let found = Selector::compile(selector, attribute).unwrap().find(page.as_bytes())?;
        Some(String::from_utf8(found.into_owned()).unwrap())
    }

    fn found(selector: &str, attribute: Option<&str>) -> Option<String> {
        found_in(PAGE, selector, attribute)
    }

    #[test]
    fn an_attribute_or_the_text_of_an_element_is_found() {
        assert_eq!(found("input[name=csrf_token]", Some("value")).unwrap(), "a&b==");
        assert_eq!(found("meta[name=csrf]", Some("content")).unwrap(), "from-head");
        assert_eq!(found("button[data-sku]", Some("data-sku")).unwrap(), "tee-1");
        assert_eq!(found("button", None).unwrap(), "Buy now");
        assert_eq!(found("p", None).unwrap(), "7 < 8");
        assert_eq!(found("p", Some("title")), None);
        assert_eq!(found("table", None), None);
    }

    /// Two forms with the same field; neither `<p>` nor `<li>` needs an end.
    const FORMS: &str = r#"<body><div class="a"><FORM id=cart><p>add<input name=t value=1></FORM></div>
<form id=pay class="wide pay"><ul><li>x<li>y</ul><form-part></form-part><input name=t value=2></form>
<input name=t value=3><form id=empty></form></body>"#;

    #[test]
    fn of_several_forms_the_one_that_is_named_is_looked_into() {
        let token = |selector| found_in(FORMS, selector, Some("value"));
        assert_eq!(token("input[name=t]").unwrap(), "1");
        assert_eq!(token("#pay input[name=t]").unwrap(), "2");
        assert_eq!(token("body  form.wide ul").as_deref(), None, "a list has no value");
        assert_eq!(token("body .a\tinput").unwrap(), "1");
        assert_eq!(token("#empty input"), None);
        assert_eq!(token("#pay form input"), None);
        assert_eq!(found_in(FORMS, "#pay ul", None).unwrap(), "xy");
    }

    #[test]
    fn what_stands_right_above_or_beside_cannot_be_asked_for() {
        for selector in ["form > button", "a+b", "a ~ b", "a >b", "", "a, b", "a ["] {
            assert_eq!(Selector::compile(selector, None), None, "{selector}");
        }
        assert!(Selector::compile(" input[name=a] ", None).is_some());
    }

    #[test]
    fn a_page_of_a_hundred_thousand_elements_in_each_other_is_read() {
        let deep = "<b>".repeat(100_000) + "end";
        assert_eq!(found_in(&deep, "b", None).unwrap(), "end");
        assert_eq!(found_in(&deep, "b i", None), None);
        assert_eq!(found_in(&deep, "b b b", None).unwrap(), "end");
    }
}
