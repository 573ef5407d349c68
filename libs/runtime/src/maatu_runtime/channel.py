"""Channels to other services: keepalive, retries of calls that never began, TLS, and deadlines for hops."""

import json
from pathlib import Path

import grpc

from maatu_runtime.errors import ConfigurationError

KEEPALIVE_MS = 20_000
"""A dead connection is noticed within this time and the ping's own time-out."""
CONNECT_TIMEOUT_MS = 3_000
"""A server that is so long in greeting a connection counts as away: a busy one, or TLS across zones, takes its time."""
MAX_MESSAGE_BYTES = 5 * 1024 * 1024
"""Largest message: a whole recording in Ask or Recognize, which themselves stop at 4 MiB, and its envelope."""

_SERVICE_CONFIG = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "healthCheckConfig": {"serviceName": ""},
    "methodConfig": [
        {
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": 3,
                "initialBackoff": "0.05s",
                "maxBackoff": "0.3s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
    "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1},
}


def create_channel(target: str, *, tls_ca: Path | None = None, tls: bool = False) -> grpc.aio.Channel:
    """Opens a channel; it connects with the first call, and again by itself after a loss.

    Args:
        target: "host:port", or "dns:///service:port" to spread calls over all pods of a headless service.
        tls_ca: PEM file of the authority that signed the server's certificate; turns TLS on.
        tls: Turn TLS on with the system's authorities.

    Raises:
        ConfigurationError: `tls_ca` cannot be read.
    """
    options = [
        ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
        # Otherwise a new channel shares the connection of an older one to the same address, its back-off after a failure
        # included, and reports "connection refused" of a server that has come back.
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.keepalive_time_ms", KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", 5_000),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", CONNECT_TIMEOUT_MS),  # what it sets is how long an attempt may take
        ("grpc.max_reconnect_backoff_ms", 2_000),
        # A name is asked for again when its pods are gone. By default not within 30 s of the last time, and a rollout replaces
        # all of them in less.
        ("grpc.dns_min_time_between_resolutions_ms", 1_000),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        # Default windows hold over a minute of audio, which would make every cancellation late (grpc/grpc#21348).
        ("grpc.http2.bdp_probe", 0),
        ("grpc.http2.lookahead_bytes", 65_536),
    ]
    if tls or tls_ca is not None:
        try:
            roots = tls_ca.read_bytes() if tls_ca is not None else None
        except OSError as error:
            raise ConfigurationError(f"cannot read {tls_ca} with the authority for TLS: {error.strerror}") from error
        return grpc.aio.secure_channel(target, grpc.ssl_channel_credentials(roots), options=options)
    return grpc.aio.insecure_channel(target, options=options)


def hop_timeout_s(remaining_s: float, budget_s: float, *, margin_s: float = 0.05) -> float:
    """The deadline of one hop: its own budget, or what is left of the turn less the time to report a failure.

    Returns:
        Seconds, at least 1 ms, so that a turn out of time fails as DEADLINE_EXCEEDED and not as a bad argument.
    """
    return max(0.001, min(remaining_s - margin_s, budget_s))
