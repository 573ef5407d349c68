"""Utterances out of voiced and silent windows."""

from maatu_stt.engine.segmenter import Activity, Segmenter
from maatu_stt.engine.settings import SegmenterSettings

WINDOW = 512
SETTINGS = SegmenterSettings()


def hear(segmenter: Segmenter, *runs: tuple[float, int]) -> list[Activity]:
    """Runs of (probability, windows)."""
    return [
        activity
        for probability, windows in runs
        for _ in range(windows)
        for activity in segmenter.push(probability, WINDOW)
    ]


def names(activities: list[Activity]) -> list[str]:
    return [activity.type.name for activity in activities]


def test_an_utterance_starts_pauses_and_stops_where_its_voice_does() -> None:
    started, pause, stopped = hear(Segmenter(SETTINGS), (0.0, 10), (0.9, 30), (0.0, 20))
    assert (started.type.name, started.offset, started.noticed_at) == ("STARTED", 10 * WINDOW, 18 * WINDOW)
    # 200 ms are 6.25 windows, 500 ms are 15.6.
    assert (pause.type.name, pause.offset, pause.noticed_at) == ("PAUSE", 40 * WINDOW, 47 * WINDOW)
    assert (stopped.type.name, stopped.offset, stopped.noticed_at) == ("STOPPED", 40 * WINDOW, 56 * WINDOW)


def test_speech_after_a_pause_resumes_the_same_utterance() -> None:
    activities = hear(Segmenter(SETTINGS), (0.9, 20), (0.0, 10), (0.9, 1), (0.0, 20))
    assert names(activities) == ["STARTED", "PAUSE", "RESUMED", "PAUSE", "STOPPED"]
    assert activities[2].offset == 30 * WINDOW
    assert activities[4].offset == 31 * WINDOW
    assert {activity.utterance_index for activity in activities} == {0}


def test_utterances_are_counted() -> None:
    activities = hear(Segmenter(SETTINGS), *[(0.9, 20), (0.0, 20)] * 3)
    assert [activity.utterance_index for activity in activities] == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_a_sound_shorter_than_the_least_speech_is_never_reported() -> None:
    segmenter = Segmenter(SETTINGS)
    assert hear(segmenter, (0.9, 7), (0.0, 20), (0.9, 7), (0.0, 20)) == []
    assert segmenter.keep_from is None
    assert segmenter.finish() == []
    # The next one is the first utterance all the same.
    assert hear(segmenter, (0.9, 8))[0].utterance_index == 0


def test_short_gaps_do_not_restart_the_count_of_voice() -> None:
    activities = hear(Segmenter(SETTINGS), (0.9, 4), (0.0, 3), (0.9, 4))
    assert names(activities) == ["STARTED"]
    assert activities[0].offset == 0


def test_between_the_two_thresholds_a_window_stays_what_it_was() -> None:
    assert hear(Segmenter(SETTINGS), (0.4, 100)) == []
    assert names(hear(Segmenter(SETTINGS), (0.9, 10), (0.4, 100))) == ["STARTED"]


def test_an_endless_utterance_is_cut_and_goes_on_at_once() -> None:
    settings = SegmenterSettings(max_utterance=100 * WINDOW)
    activities = hear(Segmenter(settings), (0.9, 203), (0.0, 20))
    assert names(activities) == ["STARTED", "STOPPED", "STARTED", "STOPPED", "STARTED", "PAUSE", "STOPPED"]
    assert [activity.offset // WINDOW for activity in activities] == [0, 100, 100, 200, 200, 203, 203]
    assert [activity.utterance_index for activity in activities] == [0, 0, 1, 1, 2, 2, 2]


def test_a_cut_in_a_pause_does_not_make_a_click_afterwards_speech() -> None:
    settings = SegmenterSettings(max_utterance=30 * WINDOW, endpoint_silence=1_000 * WINDOW)
    activities = hear(Segmenter(settings), (0.9, 20), (0.0, 12), (0.9, 2), (0.0, 20))
    assert names(activities) == ["STARTED", "PAUSE", "STOPPED"]


def test_the_end_of_the_stream_stops_open_speech() -> None:
    segmenter = Segmenter(SETTINGS)
    hear(segmenter, (0.9, 20))
    (stopped,) = segmenter.finish()
    assert (stopped.type.name, stopped.offset, stopped.noticed_at) == ("STOPPED", 20 * WINDOW, 20 * WINDOW)
    assert segmenter.finish() == []


def test_pause_and_endpoint_may_come_at_once() -> None:
    settings = SegmenterSettings(pause_silence=10 * WINDOW, endpoint_silence=10 * WINDOW)
    assert names(hear(Segmenter(settings), (0.9, 20), (0.0, 10))) == ["STARTED", "PAUSE", "STOPPED"]


def test_the_endpoint_of_one_pause_can_be_moved_and_the_next_is_as_usual() -> None:
    segmenter = Segmenter(SETTINGS)
    segmenter.end_after(WINDOW)  # nobody is pausing
    assert names(hear(segmenter, (0.9, 30), (0.0, 7))) == ["STARTED", "PAUSE"]
    segmenter.end_after(9 * WINDOW)
    (stopped,) = hear(segmenter, (0.0, 2))
    assert stopped.noticed_at - stopped.offset == 9 * WINDOW
    hear(segmenter, (0.9, 30), (0.0, 7))
    segmenter.end_after(30 * WINDOW)
    assert hear(segmenter, (0.0, 22)) == []
    assert names(hear(segmenter, (0.9, 1), (0.0, 15))) == ["RESUMED", "PAUSE"]
    (stopped,) = hear(segmenter, (0.0, 1))
    assert stopped.noticed_at - stopped.offset == 16 * WINDOW


def test_a_silence_that_has_lasted_long_enough_ends_the_utterance_with_the_next_window() -> None:
    segmenter = Segmenter(SETTINGS)
    hear(segmenter, (0.9, 30), (0.0, 12))
    segmenter.end_after(9 * WINDOW)
    assert names(hear(segmenter, (0.0, 1))) == ["STOPPED"]


def test_how_much_voice_there_was_is_known() -> None:
    segmenter = Segmenter(SETTINGS)
    assert segmenter.mean_voice == 0
    hear(segmenter, (0.0, 5), (0.8, 10), (0.2, 2), (0.8, 8), (0.1, 5))
    assert segmenter.voiced == 18 * WINDOW
    assert abs(segmenter.mean_voice - (18 * 0.8 + 2 * 0.2) / 20) < 1e-6
