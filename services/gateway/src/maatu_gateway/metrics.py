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
CONVERSATIONS_BY_SIDE = Gauge(
    "maatu_gateway_hop_conversations",
    'Conversations under way, by hop and by the side they were drawn for: "stable" or "canary".',
    ["hop", "side"],
)
SIDES_DRAWN = Counter(
    "maatu_gateway_sides_drawn_total",
    "Conversations begun, by hop and by the side they were drawn for.",
    ["hop", "side"],
)
SIDES_LOST = Counter(
    "maatu_gateway_sides_lost_total",
    "Conversations that went on with the stable side since their canary was gone.",
    ["hop"],
)
CANARY_PERCENT = Gauge(
    "maatu_gateway_canary_percent",
    "Share of the conversations that a hop's canary is to have, as this gateway knows it, 0 to 100; 0: there is none.",
    ["hop"],
)
CALLS_AGAIN = Counter(
    "maatu_gateway_calls_again_total",
    "Calls begun anew on another server, since theirs was shutting down or lost, by hop.",
    ["hop"],
)
