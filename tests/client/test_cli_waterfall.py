"""The waterfall as a terminal shows it."""

import io

from rich.console import Console

from maatu.v1 import common_pb2, gateway_pb2
from maatu_client.fake import SEGMENTS_MS, fake_report
from maatu_client.waterfall import BAR_WIDTH, BEFORE_OUTPUT, HOP_NAMES, OUTPUT, QUEUED, render_waterfall


def shown(report: gateway_pb2.TurnReport) -> list[str]:
    console = Console(file=io.StringIO(), width=110)
    console.print(render_waterfall(report))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_every_hop_has_a_name() -> None:
    assert set(HOP_NAMES) == set(common_pb2.Hop.values()) - {common_pb2.HOP_UNSPECIFIED}


def test_the_critical_path_has_a_row_a_segment_whose_bars_follow_one_another() -> None:
    lines = shown(fake_report("t", "q", "a"))
    rows = [line for line in lines if "%" in line]
    total = sum(SEGMENTS_MS.values())
    assert [row.split()[0] for row in rows] == ["endpointing", "stt", "agent", "tts", "gateway", "voice"]
    for row, took in zip(rows, SEGMENTS_MS.values(), strict=False):
        assert f"{took:.1f}" in row
        assert f"{took / total:.1%}" in row
    spans = [(row.index(OUTPUT), row.rindex(OUTPUT) + 1) for row in rows[:-1]]
    left = spans[0][0]
    assert spans[-1][1] == left + BAR_WIDTH
    # Each begins where the one before ended; only the last, too short for a character, borrows one.
    assert [begin for begin, _ in spans[1:-1]] == [end for _, end in spans[:-2]]
    assert spans[-1] == (left + BAR_WIDTH - 1, left + BAR_WIDTH)
    assert f"{total:.1f}" in rows[-1]


def test_the_lanes_show_waiting_work_and_output_of_each_clause() -> None:
    lines = shown(fake_report("t", "q", "a"))
    start = next(index for index, line in enumerate(lines) if "What each hop did" in line)
    lanes = [line for line in lines[start:] if line.startswith(("stt", "agent", "tts"))]
    assert [line.split()[:2] for line in lanes] == [["stt", "0"], ["agent", "0"], ["tts", "0"], ["tts", "1"]]
    assert BEFORE_OUTPUT in lanes[1]
    assert OUTPUT in lanes[1]
    assert QUEUED in lanes[3]
    assert lanes[3].index(QUEUED) > lanes[1].index(BEFORE_OUTPUT)


def test_a_report_with_no_time_in_it_is_shown_all_the_same() -> None:
    report = gateway_pb2.TurnReport(turn_id="t")
    report.segments.add(hop=common_pb2.HOP_STT)
    report.hops.add(hop=common_pb2.HOP_STT)
    assert any("stt" in line for line in shown(report))
    assert any("voice to voice" in line for line in shown(gateway_pb2.TurnReport()))
