"""The evaluation's page in Chromium, wide and as wide as a phone."""

import shutil

import pytest
from playwright.sync_api import sync_playwright

import drawn_pairs
from ganimation_tf.evaluation import page as page_lib
from ganimation_tf.evaluation.evaluate import Instruments, evaluate

pytestmark = pytest.mark.slow

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)

CUT_OFF = """() => [...document.querySelectorAll("main *")].filter(element => {
  const outside = element.getBoundingClientRect().right > window.innerWidth + 1;
  return outside && !element.closest(".scroll");
}).map(element => element.outerHTML.slice(0, 80))"""
"""Elements that stand over the right edge, outside of what can be scrolled by itself."""


class Shifting:
    """A judge that reads an AU by the light of a picture."""

    name, provenance, on_scale = "shifting", "the light of a picture", True
    action_units = ("AU01", "AU12")

    def read(self, images, crop):
        return (images.mean((1, 2)) / 255)[:, :2].astype(float)

    def trained_on(self, dataset):
        return ()


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    samples = drawn_pairs.draw(12, 3)
    evaluation = evaluate(
        drawn_pairs.Oracle(samples, 0.5), samples, instruments=Instruments([Shifting()], swept=0)
    )
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(page_lib.render(evaluation))
    return path


@pytest.mark.parametrize("size", [(1280, 900), (390, 844)], ids=["wide", "phone"])
def test_nothing_is_cut_off_and_all_pictures_are_there(file, size):
    if not CHROMIUM:
        pytest.skip("no Chromium is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": size[0], "height": size[1]})
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(file.as_uri())
        width = page.evaluate("document.documentElement.scrollWidth")
        cut_off = page.evaluate(CUT_OFF)
        pictures = page.evaluate("[...document.images].map(image => image.naturalWidth)")
        browser.close()
    assert width <= size[0] and cut_off == []
    assert len(pictures) >= 3 * 3 * 6 and all(pictures)  # best, middle, worst; six people each
    assert all(url.startswith(("file:", "data:")) for url in asked)
