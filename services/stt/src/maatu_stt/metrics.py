"""Metrics of the stt service. Calls, errors by reason and capacity are counted for all services in maatu_runtime.metrics."""

from prometheus_client import Counter, Histogram

from maatu_runtime.metrics import LATENCY_BUCKETS_S

DECODE_SECONDS = Histogram(
    "maatu_stt_decode_seconds",
    'Time of one batch on the decoder, without waiting; kind is "final" (at pauses and endpoints) or "partial".',
    ["model", "kind"],
    buckets=LATENCY_BUCKETS_S,
)
BATCH_SIZE = Histogram(
    "maatu_stt_batch_size", "Utterances decoded together.", ["model", "kind"], buckets=(1, 2, 4, 8, 16, 32)
)
QUEUE_SECONDS = Histogram(
    "maatu_stt_queue_seconds",
    'Time a decode waited for the decoder; kind is "final", "pause" or "partial", as it was asked for.',
    ["model", "kind"],
    buckets=(0.001, *LATENCY_BUCKETS_S),
)
FINAL_DELAY_SECONDS = Histogram(
    "maatu_stt_final_delay_seconds",
    "From the moment the end of an utterance was certain to its final transcript.",
    ["model"],
    buckets=(0.001, *LATENCY_BUCKETS_S),
)
ENDPOINT_SILENCE_SECONDS = Histogram(
    "maatu_stt_endpoint_silence_seconds",
    "Silence that ended an utterance.",
    buckets=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.2, 1.5, 2.0, 3.0, 5.0),
)
TURN_SECONDS = Histogram(
    "maatu_stt_turn_model_seconds",
    "Computing time of the audio model of turn ends, by pause.",
    buckets=LATENCY_BUCKETS_S,
)
UTTERANCE_SECONDS = Histogram(
    "maatu_stt_utterance_seconds",
    "Length of utterances, padding included.",
    buckets=(0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 20.0, 30.0, 60.0, 120.0, 300.0),
)
AUDIO_SECONDS = Counter("maatu_stt_audio_seconds_total", "Seconds of audio heard.")
LOST_PACKETS = Counter("maatu_stt_lost_packets_total", "Opus packets that did not decode and were replaced by silence.")
SUSPECTED_RATES = Counter(
    "maatu_stt_suspected_sample_rates_total",
    "Streams whose audio arrives as if it had another sample rate than they say.",
)
FALLBACKS = Counter(
    "maatu_stt_fallbacks_total",
    "Decodes done again with features padded to 30 s, by what made the short one suspicious.",
    ["model", "reason"],
)
CONTINUATIONS = Counter(
    "maatu_stt_continuations_total", "Decodes of what was left where the model stopped in mid-audio.", ["model"]
)
HALLUCINATIONS = Counter(
    "maatu_stt_hallucinations_total",
    "Transcripts dropped because nobody said them, by what betrayed them.",
    ["model", "reason"],
)
SKIPPED_PARTIALS = Counter(
    "maatu_stt_skipped_partials_total", "Times a partial was put off because the decoder was busy.", ["model"]
)
VAD_SECONDS = Histogram(
    "maatu_stt_vad_seconds",
    "Computing time of voice activity detection and segmenting, by message of audio.",
    buckets=(0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05),
)
