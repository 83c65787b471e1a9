"""A cardholder's browser: it opens a page, reads its forms and presses a button."""

import html.parser
import re
import urllib.error
import urllib.parse
import urllib.request

from shop import PATIENCE

COMPLETE = re.compile("complete|authori[sz]e|succe|approve", re.IGNORECASE)
FAIL = re.compile("fail|decline|reject", re.IGNORECASE)


class Page(html.parser.HTMLParser):
    """The buttons of a page: of each what it says, where it leads and what it sends."""

    def __init__(self, url, text):
        super().__init__()
        self.url, self.buttons, self.form, self.open = url, [], None, None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        at = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.form = {"action": at.get("action", ""), "method": at.get("method", "get")}
            self.form["fields"] = []
            return
        kind = at.get("type", "submit" if tag == "button" else "text")
        if tag not in ("button", "input") or self.form is None:
            return
        if kind == "submit":
            words = " ".join(at.get(name, "") for name in ("name", "value", "id", "formaction"))
            words += " " + self.form["action"]
            self.buttons.append({"form": self.form, "at": at, "words": words})
            self.open = self.buttons[-1] if tag == "button" else None
        elif at.get("name"):
            self.form["fields"].append((at["name"], at.get("value", "")))

    def handle_data(self, data):
        if self.open:
            self.open["words"] += " " + data

    def handle_endtag(self, tag):
        if tag == "button":
            self.open = None
        if tag == "form":
            self.form = None


def visit(url, fields=None):
    """Opens a page as a browser does, following redirects; posts `fields` where given."""
    data = None if fields is None else urllib.parse.urlencode(fields).encode()
    request = urllib.request.Request(url, data, {"accept": "text/html"})
    return urllib.request.urlopen(request, timeout=PATIENCE)


def open_page(url):
    """The page of a challenge."""
    with visit(url) as answer:
        kind = answer.headers.get_content_type()
        if answer.status != 200 or kind != "text/html":
            raise AssertionError(f"{url}: {answer.status} {kind} is no page")
        return Page(url, answer.read().decode("utf-8"))


def press(page, meaning):
    """Presses the one button of the page that means this; where the browser ends up."""
    fitting = [each for each in page.buttons if meaning.search(each["words"])]
    if len(fitting) != 1:
        raise AssertionError(f"one button for {meaning.pattern}: {page.buttons}")
    [button] = fitting
    form, at = button["form"], button["at"]
    if form["method"].lower() != "post":
        raise AssertionError("a form that changes something is posted")
    fields = list(form["fields"])
    if at.get("name"):
        fields.append((at["name"], at.get("value", "")))
    action = urllib.parse.urljoin(page.url, at.get("formaction") or form["action"])
    try:
        with visit(action, fields) as answer:
            return answer.url
    except urllib.error.HTTPError as error:
        # A page that is over refuses the second press; what counts is what the payment says.
        return f"{error.code}"
