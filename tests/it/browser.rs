//! A browser without a window: Chromium, as Debian has it. `./test` installs it, and axe-core from npm.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// What a browser made of a page.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The page after its scripts ran, as HTML.
    pub(crate) dom: String,
    /// What was written to the console: errors of scripts, and requests that the page may not make.
    pub(crate) console: Vec<String>,
}

/// How a page is looked at.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// As on a screen of 1280 × 800, in light colours.
    Light,
    /// As on a telephone, in dark colours.
    DarkAndNarrow,
}

impl Look {
    const fn flags(self) -> [&'static str; 2] {
        match self {
            Self::Light => ["--window-size=1280,800", "--blink-settings=preferredColorScheme=1"],
            Self::DarkAndNarrow => {
                ["--window-size=400,800", "--blink-settings=preferredColorScheme=0"]
            }
        }
    }
}

/// Opens a page, and keeps pictures of it: `pictures` is where, without an ending.
pub(crate) fn opened(page: &Path, look: Look, pictures: Option<&Path>) -> Seen {
    let profile = tempfile::tempdir().unwrap();
    let mut chromium = Command::new("chromium");
    chromium.args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]);
    chromium.args(["--no-first-run", "--disable-sync", "--disable-component-update"]);
    chromium.args(["--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND"]);
    chromium.args(["--enable-logging=stderr", "--virtual-time-budget=20000", "--dump-dom"]);
    chromium.args(look.flags());
    chromium.arg(format!("--user-data-dir={}", profile.path().display()));
    if let Some(pictures) = pictures {
        let [png, pdf] = ["png", "pdf"].map(|kind| pictures.with_extension(kind));
        chromium.arg(format!("--screenshot={}", png.display()));
        chromium.arg("--no-pdf-header-footer").arg(format!("--print-to-pdf={}", pdf.display()));
    }
    chromium.arg(format!("file://{}", fs::canonicalize(page).unwrap().display()));
    let output = chromium.stdin(Stdio::null()).output().expect("chromium is installed: see ./test");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let console = said.lines().filter(|line| line.contains(":CONSOLE"));
    let console = console.map(str::to_owned).collect();
    let dom = String::from_utf8(output.stdout).unwrap();
    assert!(dom.contains("</html>"), "chromium opens the page: {said}");
    Seen { dom, console }
}

/// Where pictures are kept for a person to look at.
pub(crate) fn pictures(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/report-look");
    fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

/// What `script` says of a page: it hands something to `say`, which this gives back.
pub(crate) fn asked(page: &Path, look: Look, script: &str) -> Value {
    let asking = format!(
        "<script>const say = (what) => {{ const told = document.createElement('pre'); \
         told.id = 'said'; told.textContent = JSON.stringify(what); document.body.append(told); }};\n\
         {script}</script></body>"
    );
    let html = fs::read_to_string(page).unwrap();
    let (before, after) = html.rsplit_once("</body>").expect("a page has a body");
    let desk = tempfile::tempdir().unwrap();
    let copy = desk.path().join("asked.html");
    fs::write(&copy, [before, &asking, after].concat()).unwrap();
    let seen = opened(&copy, look, None);
    assert_eq!(seen.console, [""; 0], "nothing is wrong with the page or with what is asked");
    let (_, said) = seen.dom.split_once("<pre id=\"said\">").expect("the page answers");
    let said = html_escape::decode_html_entities(said.split('<').next().unwrap());
    serde_json::from_str(&said).unwrap()
}

/// What axe-core finds serious or critical in a page, rule and element.
pub(crate) fn barriers(page: &Path, look: Look) -> Vec<String> {
    let axe = "target/axe/node_modules/axe-core/axe.min.js";
    let axe = Path::new(env!("CARGO_MANIFEST_DIR")).join(axe);
    let axe = fs::read_to_string(axe).expect("tools/install-axe installs axe-core");
    assert!(!axe.contains("</script"), "it can stand in a page");
    let script = format!(
        "{axe}\naddEventListener('load', () => axe.run(document, {{resultTypes: ['violations']}})\
         .then((found) => say({{checked: found.passes.length, barriers: found.violations\
         .filter((rule) => ['serious', 'critical'].includes(rule.impact))\
         .flatMap((rule) => rule.nodes.map((node) => rule.id + ': ' + node.target))}})));"
    );
    let found = asked(page, look, &script);
    assert!(found["checked"].as_u64().unwrap() > 10, "axe looked at the page: {found}");
    let barriers = found["barriers"].as_array().unwrap().iter();
    barriers.map(|barrier| barrier.as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_script_that_fails_and_a_request_are_seen() {
    let desk = tempfile::tempdir().unwrap();
    let page = desk.path().join("page.html");
    let policy = "default-src 'none'; script-src 'unsafe-inline'";
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><title>x</title>\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\"></head>\
         <body><img src=\"http://example.com/x.png\"><script>nobody();</script></body></html>"
    );
    fs::write(&page, html).unwrap();
    let console = opened(&page, Look::Light, None).console.concat();
    assert!(console.contains("nobody is not defined"), "{console}");
    assert!(console.contains("example.com"), "{console}");
}

#[test]
fn a_barrier_is_found() {
    let desk = tempfile::tempdir().unwrap();
    let page = desk.path().join("page.html");
    let html = "<!doctype html><html><head><title>x</title></head><body><main><h1>x</h1>\
                <p style=\"color: #ccc; background: #fff\">Who reads this?</p></main></body></html>";
    fs::write(&page, html).unwrap();
    let found = barriers(&page, Look::Light).join(" ");
    assert!(found.contains("color-contrast") && found.contains("html-has-lang"), "{found}");
}
