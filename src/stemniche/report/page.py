"""Pages: templates of this package filled, and put in place whole.

Every HTML file that is written goes through here: text is escaped, a value the template misses is a
fault, and a page that cannot be written leaves no half of it behind.
"""

import os
import tempfile
from pathlib import Path
from typing import Any

from stemniche.core.errors import InputError, writing


def fill(template: str, **values: Any) -> str:
    """Return a template of this package with its values."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    pages = Environment(
        loader=PackageLoader("stemniche.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters["breakable"] = _breakable
    return pages.get_template(template).render(**values)


def check_place(target: Path) -> None:
    """Refuse a place where no file can be written, before work is spent on it.

    Raises:
        InputError: It is a folder, or lies in none.
    """
    if target.is_dir() or not target.parent.is_dir():
        why = "it is a folder" if target.is_dir() else "its folder does not exist"
        mend = "Choose a file in a folder that is there and that you may write to."
        raise InputError(f"The report cannot be written: {why}.", str(target), mend)


def write_page(page: str, target: Path) -> Path:
    """Put a page in place, replacing what is there; return its path.

    Raises:
        InputError: It cannot be written.
    """
    check_place(target)
    with writing("The report", target):
        _replace(page, target)
    return target


def _replace(page: str, target: Path) -> None:
    handle, draft = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(page)
        os.chmod(draft, 0o644)
        os.replace(draft, target)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def _breakable(text: str) -> Any:
    """Escaped text whose long ids may break after a dot."""
    from markupsafe import Markup, escape

    return Markup(escape(text).replace(".", Markup(".<wbr>")))
