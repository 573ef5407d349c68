"""The traffic file and the draw: what is read, what is refused, and that a session's side depends on nothing else."""

import itertools
import json
import os
from pathlib import Path
from typing import Any

import pytest
import structlog
from prometheus_client import REGISTRY

from maatu_gateway.traffic import Canary, Traffic, is_drawn, parse_traffic
from maatu_runtime.errors import ConfigurationError

ENTRY = {"target": "dns:///maatu-stt-canary:50051", "percent": 10, "id": "2026-11-21T17:00:00Z"}
CANARY = Canary("dns:///maatu-stt-canary:50051", 10, "2026-11-21T17:00:00Z")
SESSIONS = [f"session-{number}" for number in range(1000)]


def drawn(canary: Canary, hop: str = "stt") -> set[str]:
    return {session for session in SESSIONS if is_drawn(session, hop, canary)}


def at(percent: float, id_: str = CANARY.id) -> Canary:
    return Canary(CANARY.target, percent, id_)


def write(path: Path, table: dict[str, Any]) -> None:
    path.write_text(json.dumps(table))


def test_a_tenth_of_a_thousand_sessions_is_drawn_at_ten_percent() -> None:
    assert 70 <= len(drawn(CANARY)) <= 130


def test_the_draw_is_the_same_in_every_process() -> None:
    assert [is_drawn(f"session-{number}", "tts", at(50)) for number in range(12)] == [
        *(True, True, False, False, False, False),
        *(False, True, False, False, True, True),
    ]


@pytest.mark.parametrize(("percent", "count"), [(0, 0), (100, 1000)])
def test_none_and_all_are_exact(percent: float, count: int) -> None:
    assert len(drawn(at(percent))) == count


def test_a_higher_percentage_only_adds_sessions() -> None:
    shares = [drawn(at(percent)) for percent in (1, 5, 10, 25, 50, 100)]
    assert all(smaller < larger for smaller, larger in itertools.pairwise(shares))


def test_another_canary_and_another_hop_draw_other_sessions() -> None:
    first = drawn(CANARY)
    for other in (drawn(at(10, "later")), drawn(CANARY, "tts")):
        assert other
        # Independent draws share a tenth of a tenth.
        assert len(first & other) < 30


def test_a_file_gives_the_canaries_of_the_inner_hops() -> None:
    text = json.dumps({"stt": ENTRY, "gateway": {**ENTRY, "percent": 20}, "future": 1})
    assert parse_traffic(text) == {"stt": CANARY}
    assert parse_traffic("{}") == {}


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "[]",
        '{"stt": 1}',
        *(json.dumps({"stt": {**ENTRY, **change}}) for change in (
            {"percent": -1}, {"percent": 101}, {"percent": "10"}, {"percent": True}, {"percent": float("nan")},
            {"target": ""}, {"target": None}, {"id": ""}, {"id": 7},
        )),
        json.dumps({"stt": {"target": "x", "percent": 1}}),
    ],
)  # fmt: skip
def test_a_damaged_file_is_refused(damage: str) -> None:
    with pytest.raises(ConfigurationError):
        parse_traffic(damage)


async def test_a_file_that_is_missing_comes_changes_and_goes(tmp_path: Path) -> None:
    path = tmp_path / "traffic.json"
    traffic = Traffic(path)
    await traffic.refresh()
    assert traffic.canaries == {}
    write(path, {"stt": ENTRY})
    await traffic.refresh()
    assert traffic.canaries == {"stt": CANARY}
    assert REGISTRY.get_sample_value("maatu_gateway_canary_percent", {"hop": "stt"}) == 10
    write(path, {"stt": {**ENTRY, "percent": 50}})
    await traffic.refresh()
    assert traffic.canaries == {"stt": at(50)}
    assert traffic.holds("stt", CANARY)
    write(path, {"stt": {**ENTRY, "percent": 50, "id": "later"}})
    await traffic.refresh()
    assert not traffic.holds("stt", CANARY)
    path.unlink()
    await traffic.refresh()
    assert traffic.canaries == {}
    assert REGISTRY.get_sample_value("maatu_gateway_canary_percent", {"hop": "stt"}) == 0


async def test_a_mounted_config_map_changes_by_its_link(tmp_path: Path) -> None:
    """As the kubelet does it: traffic.json → ..data/traffic.json, and ..data is exchanged in one step."""
    for name, percent in (("one", 10), ("two", 25)):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "traffic.json", {"stt": {**ENTRY, "percent": percent}})
        os.utime(tmp_path / name / "traffic.json", ns=(0, 0))  # the same time: only the file is another
    (tmp_path / "..data").symlink_to("one")
    (tmp_path / "traffic.json").symlink_to("..data/traffic.json")
    traffic = Traffic(tmp_path / "traffic.json")
    await traffic.refresh()
    assert traffic.canaries["stt"].percent == 10
    (tmp_path / "..new").symlink_to("two")
    (tmp_path / "..new").rename(tmp_path / "..data")
    await traffic.refresh()
    assert traffic.canaries["stt"].percent == 25


async def test_a_damaged_file_keeps_what_was_known_and_is_logged_once(tmp_path: Path) -> None:
    path = tmp_path / "traffic.json"
    write(path, {"stt": ENTRY})
    traffic = Traffic(path)
    await traffic.refresh()
    with structlog.testing.capture_logs() as logs:
        for damage in ('{"stt": ', "\ud800"):
            path.write_text(damage, errors="surrogatepass")
            for _ in range(3):
                await traffic.refresh()
                assert traffic.canaries == {"stt": CANARY}
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [("traffic_file_damaged", "error")] * 2
    write(path, {})
    await traffic.refresh()
    assert traffic.canaries == {}


async def test_a_file_that_cannot_be_read_keeps_what_was_known(tmp_path: Path) -> None:
    path = tmp_path / "traffic.json"
    write(path, {"stt": ENTRY})
    traffic = Traffic(path)
    await traffic.refresh()
    path.unlink()
    path.mkdir()
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            await traffic.refresh()
    assert traffic.canaries == {"stt": CANARY}
    assert [entry["event"] for entry in logs] == ["traffic_file_damaged"]


async def test_an_unchanged_file_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "traffic.json"
    write(path, {"stt": ENTRY})
    traffic = Traffic(path)
    await traffic.refresh()
    monkeypatch.setattr(Path, "read_text", lambda *_: pytest.fail("read again"))
    await traffic.refresh()
    assert traffic.canaries == {"stt": CANARY}
