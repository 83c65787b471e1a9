//! A value in an HTML page, by the selector of one element: `input[name=csrf_token]`, `#buy.big`.

use std::borrow::Cow;

/// A compiled selector, and what is wanted of the element that it fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Selector {
    text: Box<str>,
    attribute: Option<Box<str>>,
}

impl Selector {
    /// Compiles `text`; `None` when it is no selector of one element by what it itself is.
    pub(super) fn compile(text: &str, attribute: Option<&str>) -> Option<Self> {
        let text = text.trim();
        if !stands_alone(text) {
            return None;
        }
        tl::parse_query_selector(text)?;
        Some(Self { text: text.into(), attribute: attribute.map(Into::into) })
    }

    /// The value in `body`, its character references undone.
    pub(super) fn find<'body>(&self, body: &'body [u8]) -> Option<Cow<'body, [u8]>> {
        let page = str::from_utf8(body).ok()?;
        let page = tl::parse(page, tl::ParserOptions::default()).ok()?;
        let parser = page.parser();
        let node = page.query_selector(&self.text)?.next()?.get(parser)?;
        let value = match &self.attribute {
            Some(name) => {
                let value = node.as_tag()?.attributes().get(&**name)??;
                value.as_utf8_str().into_owned()
            }
            None => node.inner_text(parser).trim().to_owned(),
        };
        let value = html_escape::decode_html_entities(&value).into_owned();
        Some(Cow::Owned(value.into_bytes()))
    }
}

/// Whether a selector names nothing that stands above or beside its element: the library takes an
/// `<input>` for the parent of what follows it, and so would not find `form button`.
fn stands_alone(text: &str) -> bool {
    let mut in_brackets = false;
    text.chars().all(|letter| {
        in_brackets = letter == '[' || (in_brackets && letter != ']');
        in_brackets || !(letter.is_whitespace() || matches!(letter, '>' | '+' | '~'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<!doctype html><html><head><meta name="csrf" content="from-head"></head>
<body><!-- <input name="csrf_token" value="commented out"> -->
<form id=buy class="big form"><input type="hidden" name="csrf_token" value="a&amp;b==">
<button data-sku='tee-1'> Buy <b>now</b> </button></form><p>7 &lt; 8</p></body></html>"#;

    fn found(selector: &str, attribute: Option<&str>) -> Option<String> {
        let found = Selector::compile(selector, attribute).unwrap().find(PAGE.as_bytes())?;
        Some(String::from_utf8(found.into_owned()).unwrap())
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

    #[test]
    fn what_stands_above_or_beside_cannot_be_asked_for() {
        for selector in ["form button", "form > button", "a+b", "a ~ b"] {
            assert_eq!(Selector::compile(selector, None), None, "{selector}");
        }
        assert!(Selector::compile(" input[name=a] ", None).is_some());
    }
}
