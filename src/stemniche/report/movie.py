"""A run as a film of the tissue: one frame per sample, drawn like the pictures of the report.

`stemniche movie` calls it. The suffix decides the format: ``.gif`` needs nothing else, ``.mp4`` the
encoder of the extra ``movie``.
"""

import os
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stemniche.core.errors import InputError, MissingExtra, writing
from stemniche.report.digest import HYPOXIC, Digest, digest, oxygen_top
from stemniche.report.tissue import tissue_png

if TYPE_CHECKING:
    from PIL.Image import Image

    from stemniche.run.results import Run

INCHES = 3.6
"""Width of a frame at the pictures' resolution: 720 pixels."""

LENGTH_S, SLOWEST, FASTEST = 15.0, 4.0, 24.0
"""A film lasts this long unless that needs fewer or more frames per second than these."""

Progress = Callable[[str, float], None]


def write_movie(run: "Run", path: Path, progress: Progress = lambda what, share: None) -> Path:
    """Write the film of a run and return its path; a file of that name is replaced.

    Raises:
        InputError: The run has no samples, the suffix is none of ``.gif`` and ``.mp4``, or the file
            cannot be written.
        MissingExtra: ``.mp4`` is asked for and its encoder is not installed.
    """
    write = {".gif": _write_gif, ".mp4": _write_mp4}.get(path.suffix.lower())
    if write is None:
        raise InputError(
            f"A film cannot be written as '{path.suffix}'.", str(path), "Name it .gif or .mp4."
        )
    if not len(run.times):
        raise InputError("The run has no samples to show.", run.store.where, "Resume it first.")
    per_second = min(FASTEST, max(SLOWEST, len(run.times) / LENGTH_S))
    draft = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        with writing("The film", path):
            write(_frames(digest(run), progress), draft, per_second)
            os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return path


def _frames(d: Digest, progress: Progress) -> Iterator["Image"]:
    """Pictures of all samples; each has even sides, which encoders want."""
    from PIL import Image

    top = oxygen_top([d.tissue(day) for day in d.picture_days()])
    for number, day in enumerate(d.days.tolist()):
        progress("drawing", number / len(d.days))
        png = tissue_png(d.tissue(day), f"day {day:.2f}", top=top, limit=HYPOXIC, inches=INCHES)
        image = Image.open(BytesIO(png)).convert("RGB")
        yield image.crop((0, 0, image.width // 2 * 2, image.height // 2 * 2))


def _write_gif(frames: Iterator["Image"], path: Path, per_second: float) -> None:
    first = next(frames)
    first.save(path, save_all=True, append_images=frames, duration=1000.0 / per_second, loop=0)


def _write_mp4(frames: Iterator["Image"], path: Path, per_second: float) -> None:
    try:
        import imageio_ffmpeg
    except ImportError as missing:
        raise MissingExtra(
            "The encoder of .mp4 films is not installed.",
            "movie",
            "pip install 'stemniche[movie]', or name the film .gif.",
        ) from missing
    first = next(frames)
    writer: Any = imageio_ffmpeg.write_frames(
        str(path),
        first.size,
        fps=per_second,
        macro_block_size=2,
        ffmpeg_log_level="error",
    )
    writer.send(None)
    try:
        writer.send(first.tobytes())
        for frame in frames:
            writer.send(frame.tobytes())
    finally:
        writer.close()
