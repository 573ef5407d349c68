"""Metrics of the gateway, beside those that every service has."""

from prometheus_client import Counter, Gauge, Histogram

from maatu_runtime.metrics import LATENCY_BUCKETS_S

VOICE_TO_VOICE = Histogram(
    "maatu_gateway_voice_to_voice_seconds",
    "From the last sample of a person's speech to the first audio byte of the answer.",
    buckets=LATENCY_BUCKETS_S,
)
SEGMENT = Histogram(
    "maatu_gateway_segment_seconds",
    "A hop's stretch of voice-to-voice; the stretches of a turn sum to it.",
    ["hop"],
    buckets=LATENCY_BUCKETS_S,
)
HOP_FIRST_OUTPUT = Histogram(
    "maatu_gateway_hop_first_output_seconds",
    "From calling a hop for a clause to its first output.",
    ["hop"],
    buckets=LATENCY_BUCKETS_S,
)
TURNS = Counter("maatu_gateway_turns_total", "Turns by how they ended: report, interrupted, status.", ["outcome"])
TURN_ERRORS = Counter("maatu_gateway_turn_errors_total", "Turns that failed, by reason.", ["reason"])
CONVERSATIONS = Gauge("maatu_gateway_conversations", "Conversations under way.")
INPUT_QUEUE_FILL = Gauge("maatu_gateway_input_queue_fill_ratio", "Fill of the fullest client queue seen last, 0 to 1.")
