"""Captures survive being written, killed, cut short, damaged and read back."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hft.capture import CaptureRecord, CaptureWriter, read_capture
from hft.errors import CaptureError

SUFFIXES = (".jsonl", ".jsonl.gz", ".jsonl.zst")
SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "captures"

suffixes = pytest.mark.parametrize("suffix", SUFFIXES)
# Two bytes of length keep words that are redacted, such as "key", out of reach.
texts = st.text(st.characters(exclude_categories=["Cs"]))
records = st.builds(
    CaptureRecord.of,
    st.integers(0, 2**62),
    texts,
    st.sampled_from(["open", "close", "recv", "http"]),
    st.one_of(st.binary(), texts.map(str.encode)),
    st.one_of(st.none(), texts.map(str.encode)),
    st.one_of(st.none(), texts),
)


def plain(number: int) -> CaptureRecord:
    return CaptureRecord.of(number, "wss://x/ws", "recv", f'{{"n":{number}}}'.encode())


def write(path: Path, numbers: range) -> Path:
    with CaptureWriter(path) as writer:
        writer.write(map(plain, numbers))
    return path


def times(path: Path, warnings: list[str] | None = None) -> list[int]:
    return [
        record.t for record in read_capture(path, warn=[].append if warnings is None else warnings.append)
    ]


@suffixes
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(records, max_size=4), max_size=4))
def test_what_is_written_is_read_back(
    suffix: str, tmp_path: Path, batches: list[list[CaptureRecord]]
) -> None:
    path = tmp_path / f"c{suffix}"
    with CaptureWriter(path, overwrite=True) as writer:
        for batch in batches:
            writer.write(batch)
    assert list(read_capture(path)) == [record for batch in batches for record in batch]


@given(data=st.one_of(st.binary(), texts.map(str.encode)))
def test_the_payload_is_the_frame_byte_for_byte(data: bytes) -> None:
    assert CaptureRecord.of(1, "x", "recv", data).payload == data


def test_lines_are_in_the_published_format(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    with CaptureWriter(path) as writer:
        writer.write(
            [
                CaptureRecord.of(1, "wss://x/ws?listenKey=hush", "open", b""),
                CaptureRecord.of(2, "wss://x", "sent", b'{"apiKey":"hush"}', exchange="okx"),
                CaptureRecord.of(3, "https://x", "http", b"\xff", req=b'{"signature":"hush"}'),
            ]
        )
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"t": 1, "conn": "wss://x/ws?listenKey=***", "dir": "open", "data": ""},
        {"t": 2, "conn": "wss://x", "dir": "sent", "data": '{"apiKey":"***"}', "exchange": "okx"},
        {"t": 3, "conn": "https://x", "dir": "http", "data_b64": "/w==", "req": '{"signature":"***"}'},
    ]


def test_several_files_are_merged_by_time(tmp_path: Path) -> None:
    odd = write(tmp_path / "odd.jsonl.gz", range(1, 1_000, 2))
    even = write(tmp_path / "even.jsonl.zst", range(0, 1_000, 2))
    assert [record.t for record in read_capture(odd, str(even))] == list(range(1_000))
    assert list(read_capture()) == []


@suffixes
def test_an_existing_capture_is_not_overwritten_unasked(suffix: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"c{suffix}", range(3))
    with pytest.raises(CaptureError, match="exists already"):
        CaptureWriter(path)
    assert times(path) == [0, 1, 2]
    CaptureWriter(path, overwrite=True).close()
    assert times(path) == []


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="not named like a capture"):
        list(read_capture(tmp_path / "c.csv"))
    with pytest.raises(CaptureError, match="cannot be read: No such file"):
        list(read_capture(tmp_path / "c.jsonl"))
    with pytest.raises(CaptureError, match="cannot be written: No such file"):
        CaptureWriter(tmp_path / "missing" / "c.jsonl")


# -- ends and damage -------------------------------------------------------------------------------


@suffixes
def test_a_killed_process_loses_nothing_that_was_written(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"c{suffix}"
    code = (
        "import os, sys\n"
        "from hft.capture import CaptureRecord, CaptureWriter\n"
        "writer = CaptureWriter(sys.argv[1])\n"
        "for start in (0, 100, 200):\n"
        "    writer.write(CaptureRecord.of(start + n, 'c', 'recv', b'x') for n in range(100))\n"
        "os._exit(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, path], check=False).returncode == 9
    warnings: list[str] = []
    assert times(path, warnings) == list(range(300))
    if suffix == ".jsonl.gz":
        assert warnings == [
            f"{path}: compressed data ends early, as after a crash; read the 300 lines before that"
        ]


def test_a_line_cut_in_the_middle_ends_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "c.jsonl", range(10))
    os.truncate(path, path.stat().st_size - 5)
    warnings: list[str] = []
    assert times(path, warnings) == list(range(9))
    assert warnings == [f"{path}:10: ends in the middle of a line, left that line out"]


def test_a_last_line_without_newline_counts(tmp_path: Path) -> None:
    path = write(tmp_path / "c.jsonl", range(10))
    os.truncate(path, path.stat().st_size - 1)
    warnings: list[str] = []
    assert times(path, warnings) == list(range(10))
    assert warnings == []


@pytest.mark.parametrize("suffix", [".jsonl.gz", ".jsonl.zst"])
def test_a_compressed_file_cut_anywhere_gives_every_whole_line_before(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"cut{suffix}"
    with CaptureWriter(path) as writer:
        for start in range(0, 500, 20):
            writer.write(map(plain, range(start, start + 20)))
    whole = path.read_bytes()
    best = 0
    for size in range(20, len(whole) - 1, 41):
        path.write_bytes(whole[:size])
        warnings: list[str] = []
        found = times(path, warnings)
        assert found == list(range(len(found)))
        assert len(found) >= best, "a longer piece never gives less"
        assert len(warnings) in (1, 2), "of the stream, and perhaps of a line"
        best = len(found)
    assert best > 300


def test_several_compressed_members_are_one_file(tmp_path: Path) -> None:
    lines = [json.dumps({"t": n, "conn": "c", "dir": "recv", "data": ""}).encode() + b"\n" for n in range(4)]
    gz, zst = tmp_path / "c.jsonl.gz", tmp_path / "c.jsonl.zst"
    gz.write_bytes(gzip.compress(lines[0] + lines[1]) + gzip.compress(lines[2] + lines[3]))
    zst.write_bytes(zstandard.compress(lines[0] + lines[1]) + zstandard.compress(lines[2] + lines[3]))
    assert times(gz) == times(zst) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "bad",
    [b"nonsense", b"{}", b'{"t":"1","conn":"c","dir":"recv"}', b'{"t":1,"conn":"c","dir":"up"}',
     b'{"t":1,"conn":"\xff","dir":"recv"}', b"[1]"],
)  # fmt: skip
def test_a_bad_line_in_the_middle_is_named(bad: bytes, tmp_path: Path) -> None:
    path = write(tmp_path / "c.jsonl", range(3))
    good = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(good[0] + b"\n" + good[1] + bad + b"\n" + good[2])
    found: list[int] = []
    with pytest.raises(CaptureError, match=r"c\.jsonl:4: not a line of a capture"):
        found.extend(record.t for record in read_capture(path))
    assert found == [0, 1]


def test_unknown_keys_of_other_recorders_are_ignored(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text('{"v":2,"t":1,"conn":"c","dir":"recv","data":"x","session":"a"}\n')
    assert [record.payload for record in read_capture(path)] == [b"x"]


@pytest.mark.parametrize("suffix", [".jsonl.gz", ".jsonl.zst"])
def test_damaged_compression_is_an_error(suffix: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"c{suffix}", range(3_000))
    damaged = bytearray(path.read_bytes())
    middle = len(damaged) // 2
    damaged[middle : middle + 64] = b"\xff" * 64
    path.write_bytes(damaged)
    with pytest.raises(CaptureError, match=r"damaged after line|not a line of a capture"):
        times(path)


def test_base64_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text('{"t":1,"conn":"c","dir":"recv","data_b64":"%%"}\n')
    (record,) = read_capture(path)
    with pytest.raises(CaptureError, match="c at 1: data_b64 is not base64"):
        _ = record.payload


@suffixes
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told_once(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"c{suffix}"
    path.symlink_to("/dev/full")
    writer = CaptureWriter(path, overwrite=True)
    with pytest.raises(CaptureError, match="recording stopped: No space left on device"):
        writer.write(map(plain, range(10_000)))
    writer.write(map(plain, range(10)))
    writer.close()
    writer.close()


@pytest.mark.skipif(not SHARED.exists(), reason=f"no recorded captures at {SHARED}")
def test_every_recorded_capture_is_read_whole() -> None:
    for path in sorted(SHARED.glob("*/*.jsonl.gz")):
        if path.stat().st_size > 500_000:
            continue
        with gzip.open(path, "rt") as file:
            expected = [json.loads(line) for line in file]
        for record, raw in zip(read_capture(path), expected, strict=True):
            assert (record.t, record.conn, record.dir, record.req) == (
                raw["t"], raw["conn"], raw["dir"], raw.get("req"))  # fmt: skip
            assert record.payload == raw["data"].encode()
