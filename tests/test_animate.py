"""The films are read back: Pillow, ffmpeg and Chromium show what was drawn."""

from __future__ import annotations

import io
import re
import subprocess
import sys

import imageio_ffmpeg
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import expect

from lecopt import (
    Adam,
    Backtracking,
    GradientDescent,
    Momentum,
    Neuron,
    Rosenbrock,
    descend,
    plots,
    two_points,
)
from lecopt.animate import animate
from lecopt.path import Path

J = Neuron(*two_points())
RULES = {"gradient descent": GradientDescent(1.0), "momentum": Momentum(1.0), "Adam": Adam(0.1)}
WALKS = {name: descend(rule, (-2, -2), J, 60) for name, rule in RULES.items()}


@pytest.fixture(scope="module")
def film():
    return animate(J, WALKS, frames=31, fps=25)


def near(one, other):
    """Root mean square difference of two pictures, in steps of 256."""
    return float(np.sqrt(np.mean((one.astype(float) - other.astype(float)) ** 2)))


def test_time_runs_evenly_from_the_start_to_the_end(film):
    assert len(film) == 31 and film.evaluations.tolist() == list(range(0, 61, 2))
    assert animate(J, WALKS, frames=1000).evaluations.tolist() == list(range(61))
    assert len(animate(J, WALKS, frames=1)) == 1


def test_each_picture_holds_what_has_been_walked_so_far(film):
    start, half, end = (film.picture(k) for k in (0, 15, -1))
    assert start.dtype == np.uint8 and start.shape == (360, 720, 3)
    grown = [(picture != film.picture(0)).any(axis=-1).sum() for picture in (half, end)]
    assert 500 < grown[0] < grown[1]
    assert np.array_equal(film.picture(15), half), "pictures do not depend on what came before"


def test_the_lines_end_where_the_rules_are(film):
    film.picture(10)
    for runner, walk in zip(film._runners, WALKS.values(), strict=True):
        rim, trail, curve, at, low = runner.artists
        for line in (rim, trail):
            assert np.array_equal(line.get_xydata(), walk.theta[:21])
        assert np.array_equal(curve.get_ydata(), walk.loss[:21])
        assert np.array_equal(at.get_xydata(), walk.theta[20:21])
        assert low.get_xydata().tolist() == [[20, walk.loss[20]]]


def test_time_is_counted_in_gradient_evaluations():
    walk = WALKS["momentum"]
    dear = Path(walk.theta, walk.loss, (), 3 * walk.grad_evals, walk.loss_evals, walk.diverged_at)
    film = animate(J, {"momentum": walk, "dear": dear}, frames=181)
    film.picture(60)
    cheap, slow = (len(runner.artists[1].get_xdata()) for runner in film._runners)
    assert (cheap, slow) == (61, 21)
    assert film.caption(60).startswith("60 gradient evaluations: loss of momentum ")
    searching = descend(Backtracking(), (-2, -2), J, 5)
    assert animate(J, {"search": searching}).evaluations[-1] == searching.grad_evals[-1]


def test_a_gif_read_back_is_the_film(film, tmp_path):
    film.save(tmp_path / "race.gif")
    with Image.open(tmp_path / "race.gif") as gif:
        assert gif.n_frames == 31 and gif.size == (720, 360) and gif.info["loop"] == 0
        for k in range(31):
            gif.seek(k)
            assert gif.convert("RGB").getpixel((2, 2)) == (255, 255, 255)
            assert gif.info["duration"] == (1500 if k == 30 else 40)
            assert near(np.array(gif.convert("RGB")), film.picture(k)) < 4
            if k not in (14, 15, 16):
                assert near(np.array(gif.convert("RGB")), film.picture(15)) > 0.5


def test_a_race_of_six_is_light_to_send(tmp_path):
    walks = {f"rule {k}": descend(Momentum(0.2 * k + 0.2), (-2, -2), J, 150) for k in range(6)}
    race = animate(J, walks)
    assert len(race) == 100
    limits = {"race.gif": 400_000, "race.mp4": 400_000, "race.html": 1_500_000}
    for name, limit in limits.items():
        race.save(tmp_path / name)
        assert 10_000 < (tmp_path / name).stat().st_size < limit, name


def test_an_mp4_read_back_is_the_film(film, tmp_path):
    film.save(tmp_path / "race.mp4")
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-i", tmp_path / "race.mp4"]
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    read = subprocess.run([*command, *raw], capture_output=True, check=True)
    about = read.stderr.decode()
    assert re.search(r"Video: h264 .*yuv420p.* 720x360.* 25 fps", about)
    pictures = np.frombuffer(read.stdout, np.uint8).reshape(-1, 360, 720, 3)
    assert len(pictures) == 31
    for k, picture in enumerate(pictures):
        assert near(picture, film.picture(k)) < 8
    assert near(pictures[0], film.picture(-1)) > near(pictures[0], film.picture(0)) + 2


def test_without_ffmpeg_the_error_says_what_to_install(film, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(
        ModuleNotFoundError, match=r'race.mp4 needs .*pip install "lecopt\[extras\]"'
    ):
        film.save(tmp_path / "race.mp4")
    assert not (tmp_path / "race.mp4").exists()
    film.save(tmp_path / "race.gif")


@pytest.mark.parametrize("name", ["race.gif", "race.mp4", "race.html"])
def test_a_folder_that_is_not_there(film, tmp_path, name):
    with pytest.raises(OSError, match="No such file or directory"):
        film.save(tmp_path / "nowhere" / name)


@pytest.mark.parametrize("name", ["race.avi", "race", "race.gif.txt"])
def test_a_name_that_ends_otherwise(film, tmp_path, name):
    with pytest.raises(ValueError, match=r"does not end in .gif, .mp4, .html"):
        film.save(tmp_path / name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"walks": {}}, "there are no walks"),
        ({"frames": 0}, "frames is 0; expected a whole number, at least 1"),
        ({"fps": 2.5}, "fps is 2.5"),
        ({"walks": {"wide": descend(Adam(), np.zeros((2, 3)), J, 2)}}, r"'wide' .* \(2, 3\)"),
        ({"walks": {"long": descend(Adam(), np.zeros(3), Rosenbrock(3), 2)}}, r"'long' .* \(3,\)"),
    ],
)
def test_what_cannot_be_filmed(change, message):
    with pytest.raises(ValueError, match=f"animate: .*{message}"):
        animate(**{"J": J, "walks": WALKS} | change)


def test_a_run_that_diverges_is_filmed_to_the_end(tmp_path):
    bowl = Rosenbrock()
    walks = {"lost": descend(GradientDescent(1.0), (-1.5, 2.0), bowl, 30)}
    walks["found"] = descend(Adam(0.1), (-1.5, 2.0), bowl, 30)
    assert walks["lost"].diverged_at > 0
    film = animate(bowl, walks, log=True)
    film.save(tmp_path / "race.gif")
    assert "lost diverged" in film.caption(-1) and "lost diverges at step" in film.alt


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_drawn_on_the_paper_of_its_theme(theme):
    with plots.theme(theme):
        film = animate(J, WALKS, frames=3)
        paper = plots.paper().paper
    corner = "#" + bytes(film.picture(1)[2, 2]).hex()
    assert corner == paper
    assert f"background: {paper};" in film.html()


@pytest.fixture
def player(film, tmp_path, chromium):
    """Open the film's page in a browser that reaches nothing else."""
    film.save(tmp_path / "race.html")
    opened = []

    def open_page(**options):
        page = chromium.new_page(viewport={"width": 800, "height": 600}, **options)
        opened.append(page)
        page.complaints = []
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))

        def only_itself(route):
            if route.request.url.startswith(("file:", "data:")):
                route.continue_()
            else:
                page.complaints.append(route.request.url)
                route.abort()

        page.route("**/*", only_itself)
        page.goto((tmp_path / "race.html").as_uri())
        return page

    yield open_page
    for page in opened:
        page.close()


def at(page):
    return page.locator("#at").evaluate("e => e.valueAsNumber")


def test_the_page_plays_once_by_itself_and_stops_at_the_end(player, film):
    page = player()
    assert page.locator("#play").inner_text() in ("Play", "Pause")
    expect(page.locator("#play")).to_have_text("Play")
    assert at(page) == 30 and page.locator("#caption").inner_text() == film.caption(30)
    page.get_by_role("button", name="Play").click()
    assert at(page) < 30, "from the start again"
    expect(page.locator("#at")).not_to_have_value(re.compile("^[0-3]$"))
    page.get_by_role("button", name="Pause").click()
    stopped = at(page)
    page.wait_for_timeout(200)
    assert at(page) == stopped < 30
    assert page.complaints == []


def test_the_page_obeys_the_keyboard(player, film):
    page = player(reduced_motion="reduce")
    assert at(page) == 30, "with reduced motion it waits at the end"
    page.wait_for_timeout(200)
    assert at(page) == 30 and page.locator("#play").inner_text() == "Play"
    for key, place in (("Home", 0), ("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1)):
        page.keyboard.press(key)
        assert at(page) == place
        assert page.locator("#at").get_attribute("aria-valuetext") == film.caption(place)
    page.keyboard.press(" ")
    assert page.locator("#play").inner_text() == "Pause"
    page.keyboard.press(" ")
    assert page.locator("#play").inner_text() == "Play"
    page.locator("#at").focus()
    page.keyboard.press("End")
    assert at(page) == 30
    page.keyboard.press("ArrowLeft")
    assert at(page) == 29
    page.get_by_role("button", name="One picture back").click()
    assert at(page) == 28
    page.locator("#play").focus()
    page.keyboard.press(" ")
    assert page.locator("#play").inner_text() == "Pause"
    assert page.complaints == []


def test_the_page_shows_the_pictures_of_the_film(player, film):
    page = player(reduced_motion="reduce")
    page.keyboard.press("Home")
    for k in range(4):
        page.locator("#now").evaluate("image => image.decode()")
        box = page.locator(".film").bounding_box()
        raw = page.screenshot(clip=box)
        shown = Image.open(io.BytesIO(raw)).convert("RGB").resize((720, 360))
        assert near(np.array(shown), film.picture(k)) < 4
        page.keyboard.press("ArrowRight")


def test_the_page_is_accessible_and_fits_a_phone(player, film):
    page = player(reduced_motion="reduce")
    image = page.get_by_role("img", name=film.alt)
    assert image.count() == 1 and "momentum" in film.alt
    result = Axe().run(page)
    assert result.violations_count == 0, result.generate_report()
    page.set_viewport_size({"width": 360, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_without_scripts_the_end_of_the_race_is_there(player):
    page = player(java_script_enabled=False)
    assert page.locator(".controls").is_hidden()
    assert page.locator("#now").is_visible()


def test_the_page_names_no_other_host(film):
    page = re.sub(r"data:image/png;base64,[\w+/=]+", "", film.html())
    assert "http" not in page.replace("http-equiv", "") and "//" not in page
    assert "base64" not in page and "default-src 'none'" in page
    assert "</script" not in film.html().split("const captions")[1].split("const pause")[0]


def test_a_name_cannot_break_out_of_the_page():
    name = '</script><b id="x">"&'
    film = animate(J, {name: WALKS["Adam"]}, frames=2)
    assert name not in film.html() and film.html().count("</script>") == 1


def test_a_notebook_shows_the_same_page(film):
    inline = film._repr_html_()
    assert inline.startswith('<iframe srcdoc="&lt;!doctype html&gt;') and 'title="A race"' in inline
