//! A value in an HTML page, by selector.

use std::borrow::Cow;

/// A compiled selector, and what is wanted of the element that it fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Selector {
    text: Box<str>,
    attribute: Option<Box<str>>,
}

impl Selector {
    /// Compiles `text`; `None` when it is no selector.
    pub(super) fn compile(text: &str, attribute: Option<&str>) -> Option<Self> {
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
        assert_eq!(found("#buy button", Some("data-sku")).unwrap(), "tee-1");
        assert_eq!(found("button", None).unwrap(), "Buy now");
        assert_eq!(found("p", None).unwrap(), "7 < 8");
        assert_eq!(found("p", Some("title")), None);
        assert_eq!(found("table", None), None);
    }
}
