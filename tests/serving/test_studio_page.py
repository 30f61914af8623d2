"""The studio as people use it: its page in Chromium, driven by mouse, keyboard, file and webcam."""

import json
import re
import shutil
import threading
import time

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

from analytic_model import AnalyticModel
from fixed_finder import FixedFinder
from ganimation_tf.animation.animator import Animator
from ganimation_tf.faces import images
from serving.studio.server import StudioServer
from serving.studio.session import Studio

pytestmark = pytest.mark.slow

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
REFUSED = "Failed to load resource: the server responded with a status of 400"
"""What the browser logs of an answer that the page then puts into words."""
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDE, PHONE = (1360, 900), (390, 844)
STRIPES = (60, 180)
"""Columns of the photo that are white; AU12 at 1 moves them to the left."""


@pytest.fixture(scope="module")
def url():
    studio = Studio(Animator(AnalyticModel(), FixedFinder()), "--model runs/a")
    with StudioServer(studio) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.url
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser():
    if not CHROMIUM:
        pytest.skip("no Chromium is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    """Grey 51 with a white stripe at each face; the file."""
    picture = np.full((120, 240, 3), 51, np.uint8)
    picture[:, STRIPES] = 255
    path = tmp_path_factory.mktemp("studio") / "two.png"
    path.write_bytes(images.encode_png(picture))
    return path


@pytest.fixture(params=[WIDE, PHONE], ids=["wide", "phone"])
def page(request, browser, url):
    """The page; no error is logged and nothing is asked for elsewhere."""
    width, height = request.param
    context = browser.new_context(viewport={"width": width, "height": height}, bypass_csp=True)
    page = context.new_page()
    wrong: list[str] = []

    def logged(message):
        if message.type == "error" and not message.text.startswith(REFUSED):
            wrong.append(message.text)

    def requested(sent):
        if not sent.url.startswith((url, "blob:", "data:")):
            wrong.append(sent.url)

    page.on("console", logged)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", requested)
    page.goto(url)
    expect(page.locator("#slider-AU12")).to_be_attached()
    yield page
    context.close()
    assert wrong == []


def opened(page, photo):
    page.set_input_files("#file", photo)
    expect(page.locator("#status")).to_have_text("2 faces found; the largest is chosen.")
    expect(page.locator("#picture")).to_be_visible()


def saved(page, selector, tmp_path):
    with page.expect_download() as waited:
        page.click(selector)
    path = tmp_path / waited.value.suggested_filename
    waited.value.save_as(path)
    return path


def accessible(page):
    results = Axe().run(page, options={"runOnly": RULES})
    return [f"{one['id']}: {one['nodes'][0]['target']}" for one in results.response["violations"]]


def test_a_slider_moves_the_face_and_the_picture_is_saved(page, photo, tmp_path):
    opened(page, photo)
    page.focus("#slider-AU12")
    page.keyboard.press("End")
    expect(page.locator("#value-AU12")).to_have_text("1.00")
    expect(page.locator("#picture")).to_have_attribute("alt", re.compile("AU12"))
    expect(page.locator("#command")).to_contain_text("--model runs/a")
    before = images.decode(photo.read_bytes()).astype(int)
    after = images.decode(saved(page, "[data-kind=png]", tmp_path).read_bytes()).astype(int)
    moved = np.abs(after - before).max(axis=(0, 2))
    assert moved[STRIPES[0] - 12 : STRIPES[0] + 12].max() > 100  # the chosen face
    assert moved[STRIPES[1] - 12 :].max() == 0  # the other one


def test_expressions_key_frames_and_files(page, photo, tmp_path):
    opened(page, photo)
    page.click("text=Keep this expression")
    page.click("#expressions >> text=Happiness")
    expect(page.locator("#value-AU06")).to_have_text("0.80")
    page.click("text=Keep this expression")
    expect(page.locator("#keyframes li")).to_have_count(2)
    page.click("#play")
    expect(page.locator("#status")).to_have_text("Playing. Move a slider to go on.", timeout=60_000)
    frames = json.loads(saved(page, "#keyfile", tmp_path).read_text())
    assert re.search(r'"AU06": ?0\.8\b', json.dumps(frames))
    page.click("#neutral")
    expect(page.locator("#value-AU06")).to_have_text("0.00")
    for kind, begins in (("gif", b"GIF89a"), ("mp4", b"ftyp")):
        data = saved(page, f"[data-kind={kind}]", tmp_path).read_bytes()
        assert begins in data[:12]


def test_a_video_that_is_saved_plays_in_this_browser(page, photo, tmp_path):
    opened(page, photo)
    page.click("#expressions >> text=Happiness")
    data = saved(page, "[data-kind=mp4]", tmp_path).read_bytes()
    size = page.evaluate(
        """async (bytes) => {
            const video = document.createElement("video");
            const blob = new Blob([new Uint8Array(bytes)], {type: "video/mp4"});
            video.src = URL.createObjectURL(blob);
            await new Promise((done, failed) => {
                video.onloadeddata = done;
                video.onerror = () => failed(new Error(video.error.message));
            });
            return [video.videoWidth, video.videoHeight];
        }""",
        list(data),
    )
    assert size == [240, 120]


def test_the_webcam_takes_a_picture(page):
    page.click("#webcam")
    expect(page.locator("#webcam")).to_have_text("Take the picture")
    deadline = time.monotonic() + 30
    while not page.evaluate("document.getElementById('camera').videoWidth"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    page.click("#webcam")
    expect(page.locator("#status")).to_have_text("2 faces found; the largest is chosen.")
    expect(page.locator("#picture")).to_be_visible()


def test_what_is_no_picture_is_said_in_the_status(page, tmp_path):
    path = tmp_path / "notes.png"
    path.write_text("no picture")
    wrong = page.locator("#status.error")
    with page.expect_response("**/api/photo") as answered:
        page.set_input_files("#file", path)
    assert answered.value.status == 400
    expect(wrong).to_contain_text("not a picture")


def test_the_same_file_can_be_chosen_again(page, photo):
    for _ in range(2):
        with page.expect_file_chooser() as chooser:
            page.click("text=Choose a photo")
        assert page.input_value("#file") == ""  # else the browser sees no change
        with page.expect_response("**/api/photo"):
            chooser.value.set_files(photo)
    expect(page.locator("#status")).to_have_text("2 faces found; the largest is chosen.")


def test_it_is_accessible_and_fits_the_screen(page, photo):
    assert accessible(page) == []
    opened(page, photo)
    page.click("#expressions >> text=Happiness")
    page.click("text=Keep this expression")
    assert accessible(page) == []
    width = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width[0] <= width[1]
