"""Append-only files of rows, and locks of open files."""

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quench.runtime import rows
from quench.runtime.locks import lock

PIECES = st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=4)


@given(appends=st.lists(PIECES, max_size=5), most=st.integers(1, 30))
def test_the_file_holds_what_was_appended_however_little_the_system_writes_at_once(appends, most, tmp_path_factory):
    really, path = os.pwritev, tmp_path_factory.mktemp("rows") / "file"

    def some(descriptor, buffers, place):
        return really(descriptor, [b"".join(buffers)[:most]], place)

    with pytest.MonkeyPatch.context() as patch, open(path, "w+b") as file:
        patch.setattr(os, "pwritev", some)
        end = 0
        for pieces in appends:
            end = rows.append(file.fileno(), end, [pieces[0], *map(memoryview, pieces[1:])])
    assert path.read_bytes() == b"".join(b"".join(pieces) for pieces in appends)
    assert end == path.stat().st_size


def test_an_append_replaces_what_a_broken_one_left(tmp_path):
    (tmp_path / "file").write_bytes(b"abcdefgh")
    with open(tmp_path / "file", "r+b") as file:
        assert rows.append(file.fileno(), 3, [b"X"]) == 4
    assert (tmp_path / "file").read_bytes() == b"abcX"


def test_rows_are_read_behind_a_header(tmp_path):
    row = np.dtype([("time", "<i8"), ("value", "<f4", (2,))])
    content = np.array([(1, (0.5, 1.5)), (2, (2.5, 3.5))], row)
    (tmp_path / "file").write_bytes(b"header" + content.tobytes())
    assert rows.read(tmp_path / "file", row, 6, 2).tobytes() == content.tobytes()
    assert rows.read(tmp_path / "file", row, 6, 0).shape == (0,)


def test_a_lock_is_held_until_its_file_is_closed(tmp_path):
    (tmp_path / "file").touch()
    with open(tmp_path / "file", "rb") as second:
        with open(tmp_path / "file", "rb") as first:
            assert lock(first) and not lock(second)
        assert lock(second)
