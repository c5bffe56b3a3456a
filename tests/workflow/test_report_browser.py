"""The report in a real browser: shown, usable by keyboard, readable on a phone and on paper, and alone in the world."""

import os
import re
import shutil
from pathlib import Path

import pytest

from quench.cli import main

playwright = pytest.importorskip("playwright.sync_api", reason="no playwright (dependency group dev)")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe (dependency group dev)")
BROWSER = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no Chromium on the path (Debian: apt-get install chromium)"),
    pytest.mark.xdist_group("browser"),
]

WIDTHS = {"phone": (390, 844), "desktop": (1440, 900)}
# What a page from disk may load: itself, and what it carries inside.
OWN = re.compile(r"^(file|data|blob):")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    import example_results

    folder = tmp_path_factory.mktemp("pages")
    first = example_results.make(folder / "example")
    other = example_results.make(folder / "other", shift=1, scenario="other")
    assert main(["report", str(first), "-o", str(folder / "report.html")]) == 0
    assert main(["report", str(first), "--compare", str(other), "-o", str(folder / "comparison.html")]) == 0
    return folder


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as running:
        # Chromium's own sandbox does not start for root, as in most containers.
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        started = running.chromium.launch(executable_path=BROWSER, args=options)
        yield started
        started.close()


@pytest.fixture
def opened(browser, folder):
    """Open a page; at the end of the test nothing may have been asked of a network or told on the console."""
    contexts, asked, told = [], [], []

    def open_page(name: str = "report.html", size: str = "desktop", **options):
        width, height = WIDTHS[size]
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: told.append(message.text))
        page.on("pageerror", lambda error: told.append(str(error)))
        page.goto((folder / name).as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [url for url in asked if not OWN.match(url)] == []
    assert told == []


@pytest.mark.parametrize("size", WIDTHS)
@pytest.mark.parametrize("name", ["report.html", "comparison.html"])
def test_every_figure_is_displayed_within_the_width(opened, name, size):
    page = opened(name, size)
    pictures = page.locator(".picture img")
    assert pictures.count() == (5 if name == "report.html" else 10)
    for picture in pictures.all():
        assert picture.evaluate("async image => { await image.decode(); return image.naturalWidth > 0 }")
        box = picture.bounding_box()
        assert box["width"] > 150 and box["height"] > 50
        assert box["x"] >= 0 and box["x"] + box["width"] <= WIDTHS[size][0]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", WIDTHS)
@pytest.mark.parametrize("name", ["report.html", "comparison.html"])
def test_accessibility_checker_finds_nothing_serious(opened, name, size, scheme):
    page = opened(name, size, color_scheme=scheme, bypass_csp=True)
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true })")
    found = axe.Axe().run(page).response
    serious = {
        rule["id"]: [node["html"][:120] for node in rule["nodes"][:3]]
        for rule in found["violations"]
        if rule["impact"] in {"serious", "critical"}
    }
    assert serious == {}
    assert len(found["passes"]) > 15


def shown(page) -> int:
    return page.locator("table.claims tbody tr:visible").count()


def test_claims_are_filtered_by_keyboard(opened):
    page = opened()
    rows = page.locator("table.claims tbody tr")
    everything, keys = rows.count(), page.keyboard
    assert shown(page) == everything > 100
    page.locator("#filters input[type=checkbox]").first.focus()
    keys.press("Space")
    without = page.locator("table.claims tbody tr:not([data-verdict=yes])").count()
    assert shown(page) == without < everything
    assert page.locator("#shown").inner_text() == f"{without} of {everything} claims shown"
    # Past the other two verdicts to the paper, then the figure, then the words.
    for _ in range(3):
        keys.press("Tab")
    assert page.evaluate("document.activeElement.name") == "paper"
    keys.type("Baity")
    assert shown(page) == page.locator("tr[data-paper=BJ]:not([data-verdict=yes])").count() > 0
    keys.press("Tab")
    keys.type("BJ Fig. 3")
    assert shown(page) == page.locator('tr[data-figures~="bj_fig3"][data-paper=BJ]:not([data-verdict=yes])').count() > 0
    keys.press("Tab")
    keys.type("no such words")
    assert shown(page) == 0
    # A search field holds a button of its own in some browsers.
    while page.evaluate("document.activeElement.type") != "reset":
        keys.press("Tab")
    keys.press("Enter")
    assert shown(page) == everything


def test_link_to_a_claim_that_a_filter_hid_shows_it(opened):
    page = opened()
    page.locator("#filters [name=words]").fill("no such words")
    assert shown(page) == 0
    page.locator("table.signatures a").first.click()
    target = page.locator(page.evaluate("`#${CSS.escape(location.hash.slice(1))}`"))
    assert target.is_visible()


def test_figure_is_enlarged_and_left_by_keyboard(opened):
    page = opened()
    button = page.locator("button.picture").first
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.locator("#zoom")
    assert dialog.is_visible()
    page.wait_for_function("document.querySelector('#zoom img').style.width")
    before = page.locator("#zoom img").bounding_box()["width"]
    page.keyboard.press("+")
    page.keyboard.press("+")
    assert page.locator("#zoom img").bounding_box()["width"] == pytest.approx(before * 1.96, rel=0.01)
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert page.evaluate("document.activeElement.classList.contains('picture')")


def test_theme_is_chosen(opened):
    page = opened(color_scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.locator("#theme").click()
    page.locator("#theme").click()
    assert page.locator("#theme").inner_text() == "Theme: dark"
    assert page.evaluate(ground) != light


def test_data_and_picture_are_downloaded(opened, folder):
    page = opened(accept_downloads=True)
    for form in ("nc", "svg"):
        with page.expect_download() as waiting:
            page.locator(f'a[download="kwj_fig3.{form}"]').click()
        content = Path(waiting.value.path()).read_bytes()
        if form == "nc":
            assert content == (folder / "example/figures/kwj_fig3.nc").read_bytes()
        else:
            assert content.startswith(b"<svg") and content.rstrip().endswith(b"</svg>")


@pytest.mark.parametrize("name", ["report.html", "comparison.html"])
def test_page_fits_on_paper(opened, tmp_path, name):
    page = opened(name)
    # A4 less 14 mm on either side, in CSS pixels.
    page.set_viewport_size({"width": round((210 - 28) / 25.4 * 96), "height": 1000})
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for hidden in ("nav.contents", "#filters", "#theme"):
        assert not page.locator(hidden).is_visible()
    for picture in page.locator(".picture img").all():
        assert picture.bounding_box()["width"] > 150
    path = tmp_path / "page.pdf"
    page.pdf(path=path, format="A4")
    content = path.read_bytes()
    assert content.startswith(b"%PDF") and len(re.findall(rb"/Type\s*/Page\b", content)) > 3


def test_page_is_read_without_scripts(opened):
    page = opened(java_script_enabled=False)
    assert not page.locator("#filters").is_visible()
    assert shown(page) > 100
