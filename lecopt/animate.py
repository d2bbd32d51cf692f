"""A race as a film: paths that grow on the map, losses that fall beside it, to GIF, MP4 or HTML."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import subprocess
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path as File
from string import Template
from typing import IO, Any, TypeAlias, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from lecopt import plots
from lecopt.objectives import Surface, Window
from lecopt.path import Path
from lecopt.words import number

PLAYER = File(__file__).parent / "film.html"
Pixels: TypeAlias = np.ndarray[Any, np.dtype[np.uint8]]
COLOURS = 64  # of a GIF, and of the pictures in a page: flat colours need no more
HOLD = 1.5  # seconds that a GIF shows its last picture
FAR = 1e6  # a path is drawn as far as this


def animate(
    J: Surface,
    walks: Mapping[str, Path],
    *,
    frames: int = 100,
    fps: int = 20,
    window: Window | None = None,
    log: bool = False,
) -> Film:
    """Make a film of a race; the film is drawn on the paper of the theme it is made in.

        race = animate(J, {"momentum": descend(Momentum(1.0), (-2, -2), J, 200), ...})
        race.save("race.gif")  # or .mp4 or .html

    Time runs in gradient evaluations, so a rule that asks for more of them in a step is slower.

    Parameters
    ----------
    J
        A surface over the plane.
    walks
        The paths, by the names of their rules.
    frames
        How many pictures, at most, evenly spaced from the start to the end of the longest path.
    fps
        Pictures a second.
    window, log
        What the map shows, and whether its levels are logarithmic: see `plots.contours`.

    Raises
    ------
    ValueError
        If there is no path, a path is not one run over the plane, or frames or fps is no positive
        whole number.
    """
    for name, value in (("frames", frames), ("fps", fps)):
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"animate: {name} is {value!r}; expected a whole number, at least 1")
    if not walks:
        raise ValueError("animate: there are no walks; give at least one path, by its rule's name")
    for name, walk in walks.items():
        if walk.theta.shape[1:] != (2,):
            raise ValueError(
                f"animate: the path of {name!r} has points of shape {walk.theta.shape[1:]}; "
                "expected (2,), one run over the plane"
            )
    return Film(J, walks, frames, fps, window, log)


class Film:
    """The pictures of a race, one at a time; made by `animate`.

    Attributes
    ----------
    evaluations
        Gradient evaluations spent at each picture.
    fps
        Pictures a second.
    alt
        What is to be seen, in words.
    """

    def __init__(
        self, J: Surface, walks: Mapping[str, Path], frames: int, fps: int,
        window: Window | None, log: bool,
    ) -> None:  # fmt: skip
        last = max(int(walk.grad_evals[-1]) for walk in walks.values())
        self.evaluations = np.unique(np.linspace(0, last, frames).round().astype(int))
        self.fps = fps
        self.walks = dict(walks)
        self.alt = plots.describe.race(J, walks)
        self._canvas: Any = FigureCanvasAgg(
            Figure(figsize=(7.2, 3.6), dpi=100, layout="constrained")
        )
        figure: Figure = self._canvas.figure
        land, loss = figure.subplots(1, 2)
        self._paper = plots.paper(land)
        plots.contours(land, J, window=window, log=log)
        _loss_frame(loss, walks, last)
        self._runners = [
            _Runner(k, name, walk, land, loss) for k, (name, walk) in enumerate(walks.items())
        ]
        land.legend(handles=[r.sample for r in self._runners], fontsize="small")
        self._clock = loss.set_title(" ", fontsize="medium")
        self._moving = [self._clock, *(a for r in self._runners for a in r.artists)]
        for artist in self._moving:
            artist.set_animated(True)
        for runner in self._runners:
            runner.advance(last)  # so that the legend keeps clear of all that will come
        self._canvas.draw()
        figure.set_layout_engine("none")  # from here on nothing moves but what runs
        self._still = self._canvas.copy_from_bbox(figure.bbox)
        self._palette = _palette(self._paper, self.picture(0), self.picture(-1))

    def __len__(self) -> int:
        return len(self.evaluations)

    def __repr__(self) -> str:
        return f"<Film of {', '.join(self.walks)}: {len(self)} pictures, {self.fps} a second>"

    def picture(self, k: int) -> Pixels:
        """Return the k-th picture, shape (height, width, 3); negative k count from the end."""
        spent = self.evaluations[k]
        self._canvas.restore_region(self._still)
        self._clock.set_text(f"{spent} gradient evaluations")
        for runner in self._runners:
            runner.advance(spent)
        for artist in self._moving:
            artist.axes.draw_artist(artist)
        return self._pixels()

    def caption(self, k: int) -> str:
        """Return the k-th picture in words: the losses at that moment."""
        spent = self.evaluations[k]
        losses = (f"{n} {_spoken(w.loss[_index(w, spent)])}" for n, w in self.walks.items())
        return f"{spent} gradient evaluations: loss of {', '.join(losses)}"

    def save(self, file: str | File) -> None:
        """Write the film; the end of the name says how.

        `.gif` plays everywhere, `.mp4` is for slides (it needs the package imageio-ffmpeg),
        `.html` is one page with a player, which loads nothing else.

        Raises
        ------
        ValueError
            If the name ends otherwise.
        ModuleNotFoundError
            If imageio-ffmpeg is missing.
        OSError
            If the file cannot be written.
        """
        file = File(file)
        writers = {".gif": self._write_gif, ".mp4": self._write_mp4, ".html": self._write_html}
        if file.suffix.lower() not in writers:
            raise ValueError(
                f"save: {file.name!r} does not end in {', '.join(writers)}; choose one of them"
            )
        writers[file.suffix.lower()](file)

    def html(self) -> str:
        """Return the page that `save` writes to a `.html` file."""
        still = self._still_pixels()
        pictures = [_uri(self._overlay(picture, still)) for picture in self]
        height, width = still.shape[:2]
        paper = self._paper
        return Template(PLAYER.read_text(encoding="utf-8")).substitute(
            title=escape("A race of " + ", ".join(self.walks)),
            alt=escape(self.alt, quote=True),
            width=width,
            height=height,
            paper=paper.paper,
            ink=paper.ink,
            soft=paper.soft,
            accent=paper.styles[0].color,
            still=_uri(self._few(still)),
            last=pictures[-1],
            pictures=json.dumps(pictures),
            captions=_for_script([self.caption(k) for k in range(len(self))]),
            fps=self.fps,
        )

    def __iter__(self) -> Iterator[Pixels]:
        return (self.picture(k) for k in range(len(self)))

    def _repr_html_(self) -> str:
        height, width = self._pixels().shape[:2]
        size = f"width:100%;max-width:{width + 20}px;height:{height + 110}px"
        page = escape(self.html(), quote=True)
        return f'<iframe srcdoc="{page}" title="A race" style="border:0;{size}"></iframe>'

    def _pixels(self) -> Pixels:
        return np.array(self._canvas.buffer_rgba())[..., :3]

    def _still_pixels(self) -> Pixels:
        self._canvas.restore_region(self._still)
        return self._pixels()

    def _few(self, picture: Pixels) -> Image.Image:
        """Return a picture in the few colours of the film."""
        return Image.fromarray(picture).quantize(palette=self._palette, dither=Image.Dither.NONE)

    def _overlay(self, picture: Pixels, still: Pixels) -> Image.Image:
        """Return what a picture adds to the still one, the rest transparent."""
        moved = (picture != still).any(axis=-1)
        indices = np.where(moved, np.array(self._few(picture)), COLOURS)
        layer = Image.fromarray(indices.astype(np.uint8))
        colours = self._palette.getpalette() or []
        layer.putpalette([*colours, *[0] * (3 * (COLOURS + 1) - len(colours))])
        layer.info["transparency"] = COLOURS
        return layer

    def _write_gif(self, file: File) -> None:
        first, *others = [self._few(picture) for picture in self]
        durations = [round(1000 / self.fps)] * len(others) + [round(1000 * HOLD)]
        first.save(file, save_all=True, append_images=others, duration=durations, loop=0)

    def _write_mp4(self, file: File) -> None:
        try:
            from imageio_ffmpeg import get_ffmpeg_exe
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                f"save: {file.name} needs ffmpeg, which imageio-ffmpeg brings: "
                'pip install "lecopt[extras]"; .gif and .html need nothing more'
            ) from error
        height, width = self._pixels().shape[:2]
        given = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}"]
        made = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "20", "-tune", "animation"]
        command = [
            get_ffmpeg_exe(), "-y", "-loglevel", "error", *given, "-framerate", str(self.fps),
            "-i", "-", *made, "-movflags", "+faststart", str(file.resolve()),
        ]  # fmt: skip
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as ffmpeg:
            pipe = cast(IO[bytes], ffmpeg.stdin)
            with contextlib.suppress(BrokenPipeError):  # it has given up, and says why
                for picture in self:
                    pipe.write(picture.tobytes())
            words = ffmpeg.communicate()[1].decode(errors="replace").strip()
        if ffmpeg.returncode:
            raise OSError(f"save: ffmpeg could not write {file}: {words}")

    def _write_html(self, file: File) -> None:
        file.write_text(self.html(), encoding="utf-8")


class _Runner:
    """One path in the film: what of it moves, and how far it has come."""

    def __init__(self, k: int, name: str, walk: Path, land: Axes, loss: Axes) -> None:
        look, marker = plots.style(k, land), plots.paper(land).styles[k % 6].marker
        head: Any = {"marker": marker, "color": look["color"], "markersize": 8, "linestyle": "none"}
        edge = plots.paper(land).paper
        self.walk = walk
        (rim,) = land.plot([], [], **plots.paper(land).rim)
        (trail,) = land.plot([], [], **look)
        (curve,) = loss.plot([], [], **look)
        (at,) = land.plot([], [], markeredgecolor=edge, **head)
        (low,) = loss.plot([], [], markeredgecolor=edge, **head)
        self.artists = [rim, trail, curve, at, low]
        ring: Any = {"markerfacecolor": "white", "markeredgecolor": "black", "markersize": 8}
        land.plot(*walk.theta[0], marker="o", **ring)
        (self.sample,) = land.plot([], [], label=name, marker=marker, markersize=6, **look)

    def advance(self, spent: int) -> None:
        """Show the path up to that many gradient evaluations."""
        rim, trail, curve, at, low = self.artists
        end = _index(self.walk, spent) + 1
        x, y = np.clip(self.walk.theta[:end].T, -FAR, FAR)
        spent_by_then, losses = self.walk.grad_evals[:end], self.walk.loss[:end]
        for line in (rim, trail):
            line.set_data(x, y)
        curve.set_data(spent_by_then, losses)
        at.set_data(x[-1:], y[-1:])
        low.set_data(spent_by_then[-1:], losses[-1:])


def _index(walk: Path, spent: int) -> int:
    """Return the step that a path had come to when it had spent that many evaluations."""
    return int(np.searchsorted(walk.grad_evals, spent, side="right")) - 1


def _loss_frame(ax: Axes, walks: Mapping[str, Path], last: int) -> None:
    """Set the limits of the loss curves: the whole race, but not below 1e-12 of its start."""
    losses = np.concatenate([walk.loss for walk in walks.values()])
    top = float(np.nanmax([walk.loss[0] for walk in walks.values()]))
    positive = losses[np.isfinite(losses) & (losses > 0)]
    low = max(float(positive.min(initial=top)), 1e-12 * abs(top)) if top > 0 else 1e-12
    high = min(float(positive.max(initial=low)), 1e3 * max(top, low))
    ax.set(xlim=(0, max(last, 1)), ylim=(low / 2, 2 * high), yscale="log")
    ax.set(xlabel="gradient evaluations", ylabel="loss")


def _spoken(loss: Any) -> str:
    return number(float(loss)) if np.isfinite(loss) else "diverged"


def _palette(paper: plots.Paper, *pictures: Pixels) -> Image.Image:
    """Return a picture with the film's palette: COLOURS at most, the paper's own among them.

    Others as good as equal to those are left out: Pillow would confuse the two.
    """
    own = [paper.paper, paper.ink, *(style.color for style in paper.styles)]
    exact = np.array([list(bytes.fromhex(color[1:])) for color in own])
    few = Image.fromarray(np.concatenate(pictures)).quantize(COLOURS - len(exact))
    most = np.array(few.getpalette()).reshape(-1, 3)
    apart = np.abs(most[:, None] - exact).max(axis=-1).min(axis=1) > 8
    palette = Image.new("P", (1, 1))
    palette.putpalette(np.concatenate([exact, most[apart]]).ravel().tolist())
    return palette


def _uri(image: Image.Image) -> str:
    packed = io.BytesIO()
    image.save(packed, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(packed.getvalue()).decode()


def _for_script(value: Any) -> str:
    """Return JSON that may stand inside a script element."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")
