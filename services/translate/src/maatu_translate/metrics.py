"""Metrics of the translate service, beside those that every service has."""

from prometheus_client import Counter, Gauge, Histogram

from maatu_runtime.metrics import LATENCY_BUCKETS_S

SENTENCE = Histogram(
    "maatu_translate_sentence_seconds",
    "Time the model worked on the batch of a sentence.",
    ["source", "target"],
    buckets=LATENCY_BUCKETS_S,
)
BATCH_SENTENCES = Histogram(
    "maatu_translate_batch_sentences",
    "Sentences in a batch.",
    ["model"],
    buckets=(1, 2, 4, 8, 16, 32, 64),
)
CHARACTERS = Counter("maatu_translate_characters_total", "Characters translated.", ["source", "target"])
CACHE = Counter(
    "maatu_translate_cache_total",
    "Look-ups in the translation cache, by outcome: hit, shared_hit (in Redis), miss. Hits over all are the hit rate.",
    ["outcome"],
)
SHARED_CACHE_ERRORS = Counter(
    "maatu_translate_cache_redis_errors_total", "Operations that Redis failed or was late with."
)
WARNINGS = Counter("maatu_translate_warnings_total", "Warnings given with translations, by type.", ["type"])
WAITING = Gauge("maatu_translate_waiting", "Sentences that wait for a worker.")
