"""Objects of a store on the disk, read while another writes."""

from pathlib import Path
from threading import Event, Thread

from stemniche.run.objects import FolderObjects

SHORT, LONG = b"short", b"long" * 1000


def test_a_reader_sees_the_old_bytes_or_the_new_ones(tmp_path: Path) -> None:
    objects, done = FolderObjects(tmp_path), Event()
    objects.replace("commit.json", SHORT, durably=False)

    def write() -> None:
        writer = FolderObjects(tmp_path)
        while not done.is_set():
            for data in (LONG, SHORT):
                writer.replace("commit.json", data, durably=False)

    thread = Thread(target=write)
    thread.start()
    try:
        seen = {objects.get("commit.json", len(LONG)) for _ in range(5000)}
    finally:
        done.set()
        thread.join()
    assert seen <= {SHORT, LONG}
