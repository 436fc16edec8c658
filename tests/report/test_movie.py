"""A film has one frame per sample, and says what it needs."""

import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from stemniche.core.errors import InputError, MissingExtra
from stemniche.report.movie import write_movie


def test_a_film_has_a_frame_per_sample(make_run: Any, tmp_path: Path) -> None:
    run = make_run(days=1.0, samples=3, treated=False)
    told: list[float] = []
    path = write_movie(run, tmp_path / "film.gif", lambda what, share: told.append(share))
    with Image.open(path) as film:
        assert film.n_frames == 3  # type: ignore[attr-defined]
        assert film.size == (720, 720)
    assert told == [0.0, 1 / 3, 2 / 3]
    assert [p.name for p in tmp_path.iterdir()] == ["film.gif"]


def test_without_its_encoder_a_film_names_the_extra(
    make_run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(MissingExtra, match="encoder") as caught:
        write_movie(make_run(days=1.0, samples=2, treated=False), tmp_path / "film.mp4")
    assert "stemniche[movie]" in caught.value.mend
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["film.avi", "film", "no/such/folder/film.gif"])
def test_a_film_that_cannot_be_written_is_told(name: str, make_run: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="film cannot be written"):
        write_movie(make_run(days=1.0, samples=2, treated=False), tmp_path / name)
