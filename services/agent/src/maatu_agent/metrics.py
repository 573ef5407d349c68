"""Prometheus metrics of the agent service. Those of all services are in maatu_runtime.metrics.

The label "model" is the configured model, or "other" for any that a request named instead.
"""

from prometheus_client import Counter, Gauge, Histogram

from maatu_runtime.metrics import LATENCY_BUCKETS_S

FIRST_TOKEN = Histogram(
    "maatu_agent_first_token_seconds",
    "From a request to the first characters of its answer.",
    ["model"],
    buckets=LATENCY_BUCKETS_S,
)
TOKENS_PER_SECOND = Histogram(
    "maatu_agent_tokens_per_second",
    "Tokens per second of an answer after its first one.",
    ["model"],
    buckets=(5, 10, 20, 30, 40, 50, 60, 80, 100, 150, 200, 400),
)
TOKENS = Counter("maatu_agent_tokens_total", 'Tokens, read ("prompt") and generated ("completion").', ["model", "kind"])
ANSWERS = Counter("maatu_agent_answers_total", "Whole answers, by why they ended.", ["model", "finish_reason"])
ABANDONED = Counter("maatu_agent_abandoned_answers_total", "Answers that the caller cancelled before their end.")
WAITING = Gauge("maatu_agent_waiting_requests", "Requests that wait for a place at the model.")
HISTORY_TURNS = Histogram(
    "maatu_agent_history_turns",
    "Earlier turns that a prompt held.",
    buckets=(0, 1, 2, 3, 4, 5, 7, 10, 15, 20),
)
HISTORY_LOST = Counter("maatu_agent_history_lost_total", "Answers given but not remembered, since Redis failed.")
REDIS = Histogram(
    "maatu_agent_redis_seconds",
    "Duration of an operation on the history, by its name.",
    ["operation"],
    buckets=(0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0),
)
REDIS_ERRORS = Counter("maatu_agent_redis_errors_total", "Operations on the history that failed.", ["operation"])
