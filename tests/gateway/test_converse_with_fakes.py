"""Conversations through a real gateway over real gRPC, in front of scripted services."""

import asyncio
from itertools import pairwise

from maatu.v1 import common_pb2, gateway_pb2, stt_pb2
from maatu_gateway.fake import FakeGraph, kinds, make_config, make_text, make_utterance, serve_graph
from maatu_runtime import errors
from maatu_runtime.testing import FakeServices


async def test_a_spoken_turn_with_fakes_gives_all_events_in_order(graph: FakeGraph) -> None:
    events = await graph.converse(make_config(), *make_utterance())

    order = kinds(events)
    assert order[0] == "ready"
    assert events[0].ready.session_id
    assert [event.speech.type for event in events if event.HasField("speech")] == [
        stt_pb2.SpeechActivity.TYPE_SPEECH_STARTED,
        stt_pb2.SpeechActivity.TYPE_SPEECH_STOPPED,
    ]
    firsts = [order.index(kind) for kind in ("ready", "speech", "transcript", "turn", "agent_text", "audio", "report")]
    assert firsts == sorted(firsts)
    assert order[-1] == "report"
    assert order.count("report") == 1
    assert "translation" not in order
    report = events[-1].report
    assert report.transcript == "hello there"
    assert report.agent_text == report.spoken_text == graph.fakes.answer


async def test_both_translations_with_fakes_are_in_the_events_and_the_waterfall(graph: FakeGraph) -> None:
    events = await graph.converse(make_config(language_code="es-ES"), make_text("hola"))

    translations = [event.translation for event in events if event.HasField("translation")]
    assert translations[0].hop == common_pb2.HOP_TRANSLATE_IN
    assert (translations[0].source_text, translations[0].text) == ("hola", "[en] hola")
    assert [part.clause_index for part in translations[1:]] == [0, 1, 2, 3]
    assert graph.fakes.agent.script.seen[0].text == "[en] hola"
    assert graph.fakes.tts.script.seen[0].text == "[es] The first clause,"
    hops = [segment.hop for segment in events[-1].report.segments]
    assert hops == [
        common_pb2.HOP_TRANSLATE_IN,
        common_pb2.HOP_AGENT,
        common_pb2.HOP_TRANSLATE_OUT,
        common_pb2.HOP_TTS,
        common_pb2.HOP_GATEWAY,
    ]


async def test_segments_with_fakes_sum_to_voice_to_voice_exactly(graph: FakeGraph) -> None:
    graph.fakes.agent.script.step_s = 0.003
    for language in ("en-US", "es-ES"):
        events = await graph.converse(make_config(language_code=language), *make_utterance())
        report = events[-1].report
        parts = [segment.duration.ToNanoseconds() for segment in report.segments]
        assert sum(parts) == report.voice_to_voice.ToNanoseconds() > 0
        assert all(part >= 0 for part in parts)
        assert report.segments[0].hop == common_pb2.HOP_ENDPOINTING


async def test_audio_with_fakes_is_gapless_and_in_clause_order(graph: FakeGraph) -> None:
    events = await graph.converse(make_config(), make_text("hi"))

    audio = [event.audio for event in events if event.HasField("audio")]
    assert [part.sequence for part in audio] == list(range(12))
    assert [part.clause_index for part in audio] == [clause for clause in range(4) for _ in range(3)]
    for before, after in pairwise(audio):
        assert after.offset.ToNanoseconds() == before.offset.ToNanoseconds() + before.duration.ToNanoseconds()
    assert events[-1].report.audio_duration.ToMilliseconds() == 1200


async def test_first_audio_leaves_before_the_agent_with_fakes_has_finished() -> None:
    async with serve_graph(FakeServices(answer="A first clause comes early. " + "word " * 20)) as graph:
        graph.fakes.agent.script.step_s = 0.02
        events = await graph.converse(make_config(), make_text("hi"))
        order = kinds(events)
        last_text = max(index for index, kind in enumerate(order) if kind == "agent_text")
        assert order.index("audio") < last_text
        assert events[-1].report.overlapped.ToMilliseconds() > 100


async def test_two_utterances_with_fakes_make_two_turns_in_order() -> None:
    async with serve_graph(FakeServices(transcripts=["one", "two"])) as graph:
        events = await graph.converse(make_config(), *make_utterance(), *make_utterance())
        reports = [event.report for event in events if event.HasField("report")]
        assert [report.transcript for report in reports] == ["one", "two"]
        assert len({report.trace_id for report in reports}) == 2


async def test_silence_only_with_fakes_ends_quietly(graph: FakeGraph) -> None:
    events = await graph.converse(make_config(), *make_utterance(speech_frames=0, silence_frames=100))
    assert kinds(events) == ["ready"]


async def test_sessions_with_fakes_are_new_unless_named_and_known(graph: FakeGraph) -> None:
    first = await graph.converse(make_config(), make_text("hi"))
    session_id = first[0].ready.session_id
    again = await graph.converse(make_config(session_id=session_id), make_text("hi"))
    other = await graph.converse(make_config(), make_text("hi"))
    assert again[0].ready.session_id == session_id != other[0].ready.session_id
    assert [request.session_id for request in graph.fakes.agent.script.seen][:2] == [session_id, session_id]


async def test_concurrent_conversations_with_fakes_do_not_mix() -> None:
    async with serve_graph(max_concurrent_requests=32) as graph:
        graph.fakes.agent.script.step_s = 0.002
        talks = [graph.converse(make_config(), make_text(f"question {index}")) for index in range(20)]
        for index, events in enumerate(await asyncio.gather(*talks)):
            assert events[-1].report.transcript == f"question {index}"
            turn_ids = {event.audio.turn_id for event in events if event.HasField("audio")}
            assert turn_ids == {events[-1].report.turn_id}


async def test_cancel_turn_with_fakes_ends_it_as_interrupted_and_amends_the_history(graph: FakeGraph) -> None:
    graph.fakes.agent.script.step_s = 0.02
    call = graph.stub.Converse(timeout=10)
    await call.write(make_config())
    await call.write(make_text("hi"))
    heard: list[gateway_pb2.ConversationEvent] = []
    async for response in call:
        heard.append(response.event)
        if response.event.HasField("audio") and response.event.audio.clause_index == 1:
            played = gateway_pb2.PlaybackProgress(turn_id=response.event.audio.turn_id)
            played.played.FromMilliseconds(350)
            await call.write(gateway_pb2.ConverseRequest(playback=played))
            await call.write(gateway_pb2.ConverseRequest(cancel_turn=gateway_pb2.CancelTurn()))
            break
    await call.write(gateway_pb2.ConverseRequest(end_of_input=common_pb2.EndOfInput()))
    await call.done_writing()
    heard += [response.event async for response in call]
    assert kinds(heard)[-1] == "interrupted"
    assert "report" not in kinds(heard)
    interrupted = heard[-1].interrupted
    assert interrupted.heard_agent_text == "The first clause,"
    assert interrupted.heard.ToMilliseconds() == 350
    assert graph.fakes.agent.amended[0].heard_text == "The first clause,"
    await graph.until_idle()


async def test_a_cancelled_turn_with_fakes_was_heard_no_longer_than_it_could_play(graph: FakeGraph) -> None:
    graph.fakes.agent.script.step_s = 0.01
    graph.fakes.tts.chunks = 600  # a minute of audio for a clause, at once
    call = graph.stub.Converse(timeout=10)
    await call.write(make_config())
    await call.write(make_text("hi"))
    while (event := (await call.read()).event).audio.clause_index < 1:
        assert event.WhichOneof("event") != "report"
    await call.write(gateway_pb2.ConverseRequest(cancel_turn=gateway_pb2.CancelTurn()))
    await call.done_writing()
    while not (event := (await call.read()).event).HasField("interrupted"):
        pass
    interrupted = event.interrupted
    assert 0 < interrupted.heard.ToMilliseconds() < 10_000
    assert not interrupted.heard_agent_text
    assert graph.fakes.agent.amended[0].heard_text == ""
    await graph.until_idle()


async def test_a_failed_turn_with_fakes_is_remembered_as_far_as_it_was_spoken(graph: FakeGraph) -> None:
    graph.fakes.tts.script.step_s = 0.05
    graph.fakes.agent.script.error = errors.ModelFailed("scripted")
    graph.fakes.agent.script.error_after = 12
    graph.fakes.agent.script.step_s = 0.05
    events = await graph.converse(make_config(), make_text("hi"))
    assert kinds(events)[-1] == "status"
    assert "The first clause," in events[-1].status.report.agent_text
    await graph.until_idle()
    assert [amended.heard_text for amended in graph.fakes.agent.amended] == ["The first clause, then the rest of it."]


async def test_ask_with_fakes_answers_a_text_and_a_recording(graph: FakeGraph) -> None:
    config = make_config().config
    typed = [response.event async for response in graph.stub.Ask(gateway_pb2.AskRequest(config=config, text="hi"))]
    assert typed[-1].report.transcript == "hi"
    recording = b"\x10\x20" * 16_000
    spoken = [
        response.event async for response in graph.stub.Ask(gateway_pb2.AskRequest(config=config, audio=recording))
    ]
    assert spoken[-1].report.transcript == "hello there"
    assert spoken[-1].report.segments[0].hop == common_pb2.HOP_STT
    assert spoken[-1].report.trace_id == spoken[0].ready.trace_id


async def test_each_turn_with_fakes_is_one_trace_with_a_span_per_hop_and_service(graph: FakeGraph) -> None:
    events = await graph.converse(make_config(language_code="es-ES"), *make_utterance())
    await graph.until_idle()
    trace_id = events[-1].report.trace_id
    spans = [span for span in graph.spans.get_finished_spans() if f"{span.context.trace_id:032x}" == trace_id]
    names = {span.name for span in spans}
    assert names >= {"turn", "endpointing", "stt", "translate_in", "agent", "translate_out", "tts"}
    assert names >= {"maatu.v1.Translation/Translate", "maatu.v1.Agent/Respond", "maatu.v1.TextToSpeech/Synthesize"}
    ids = {span.context.span_id for span in spans}
    roots = [span for span in spans if span.parent is None]
    assert [root.name for root in roots] == ["turn"]
    assert f"{roots[0].links[0].context.trace_id:032x}" == events[0].ready.trace_id
    for span in spans:
        assert span in roots or (span.parent is not None and span.parent.span_id in ids)
