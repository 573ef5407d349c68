"""Metrics of the translate service, beside those that every service has."""

from prometheus_client import Counter, Gauge, Histogram

from maatu_runtime.metrics import LATENCY_BUCKETS_S

SENTENCE = Histogram(
    "maatu_translate_sentence_seconds",
    "Time the model worked on a sentence.",
    ["source", "target"],
    buckets=LATENCY_BUCKETS_S,
)
CHARACTERS = Counter("maatu_translate_characters_total", "Characters translated.", ["source", "target"])
CACHE = Counter("maatu_translate_cache_total", "Look-ups in the translation cache, by outcome: hit, miss.", ["outcome"])
WARNINGS = Counter("maatu_translate_warnings_total", "Warnings given with translations, by type.", ["type"])
WAITING = Gauge("maatu_translate_waiting", "Sentences that wait for a worker.")
