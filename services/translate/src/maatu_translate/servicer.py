"""The translate service's RPCs: protobuf on one side, the translator on the other."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from maatu.v1 import common_pb2, translate_pb2, translate_pb2_grpc
from maatu_runtime import durations
from maatu_runtime.errors import InvalidRequest, InvalidText
from maatu_runtime.language import Language
from maatu_runtime.places import Priority
from maatu_translate.engine.base import Segment, TranslationWarning, WarningKind
from maatu_translate.translator import Request, Summary, Translator

_MAX_KEEP_PHRASES = 100
_PRIORITIES = {
    common_pb2.PRIORITY_BATCH: Priority.BATCH,
    common_pb2.PRIORITY_FIRST_CLAUSE: Priority.FIRST_CLAUSE,
}
_WARNINGS = {
    WarningKind.SOURCE_TEXT_KEPT: translate_pb2.TranslationWarning.TYPE_SOURCE_TEXT_KEPT,
    WarningKind.PHRASE_RESTORED: translate_pb2.TranslationWarning.TYPE_PHRASE_RESTORED,
    WarningKind.TRUNCATED: translate_pb2.TranslationWarning.TYPE_TRUNCATED,
}


class TranslationServicer(translate_pb2_grpc.TranslationServicer):
    """Serves Translate and ListLanguages.

    Args:
        translator: What does the work.
        max_text_chars: Longest text.
    """

    def __init__(self, translator: Translator, *, max_text_chars: int) -> None:
        self._translator = translator
        self._max_text_chars = max_text_chars

    async def Translate(
        self, request: translate_pb2.TranslateRequest, context: Any
    ) -> AsyncGenerator[translate_pb2.TranslateResponse]:
        """See Translation.Translate."""
        self._check(request)
        results = self._translator.translate(
            Request(
                text=request.text,
                source=Language.parse(request.source_language_code, field="source_language_code"),
                target=Language.parse(request.target_language_code, field="target_language_code"),
                model=request.model,
                keep_phrases=request.keep_phrases,
                context=request.context,
                native_numerals=request.numerals == translate_pb2.NUMERALS_TARGET,
                priority=_PRIORITIES.get(request.priority, Priority.INTERACTIVE),
            )
        )
        async with aclosing(results):
            async for result in results:
                if isinstance(result, Segment):
                    segment = translate_pb2.TranslationSegment(
                        index=result.index, text=result.text, source_text=result.source_text
                    )
                    yield translate_pb2.TranslateResponse(segment=segment)
                else:
                    yield translate_pb2.TranslateResponse(summary=_summary(result))

    async def ListLanguages(
        self, request: translate_pb2.ListLanguagesRequest, context: Any
    ) -> translate_pb2.ListLanguagesResponse:
        """See Translation.ListLanguages."""
        source, target = (
            Language.parse(getattr(request, field), field=field) if getattr(request, field) else None
            for field in ("source_language_code", "target_language_code")
        )
        pairs = [
            translate_pb2.LanguagePair(
                source_language_code=direction.source, target_language_code=direction.target, model=model.name
            )
            for direction, model in self._translator.models.served(source, target)
        ]
        return translate_pb2.ListLanguagesResponse(pairs=pairs)

    def _check(self, request: translate_pb2.TranslateRequest) -> None:
        if not request.text.strip():
            raise InvalidText("the text is empty", field="text")
        if len(request.text) > self._max_text_chars:
            raise InvalidText(
                f"a text has at most {self._max_text_chars} characters, this has {len(request.text)}",
                reason="TEXT_TOO_LONG",
                field="text",
            )
        if len(request.keep_phrases) > _MAX_KEEP_PHRASES:
            raise InvalidRequest(f"at most {_MAX_KEEP_PHRASES} phrases can be kept", field="keep_phrases")
        for field, text in (("context", request.context), *(("keep_phrases", one) for one in request.keep_phrases)):
            if len(text) > self._max_text_chars:
                raise InvalidText(
                    f"{field} has at most {self._max_text_chars} characters, this has {len(text)}",
                    reason="TEXT_TOO_LONG",
                    field=field,
                )


def _summary(summary: Summary) -> translate_pb2.TranslationSummary:
    return translate_pb2.TranslationSummary(
        model=summary.model,
        cached=summary.cached,
        compute_time=durations.from_seconds(summary.compute_s),
        warnings=[_warning(warning) for warning in summary.warnings],
    )


def _warning(warning: TranslationWarning) -> translate_pb2.TranslationWarning:
    return translate_pb2.TranslationWarning(
        type=_WARNINGS[warning.kind], segment_index=warning.segment_index, message=warning.message
    )
