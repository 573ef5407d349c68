"""Log lines: one event a line, named shortly, with key=value facts and the trace id of the call they belong to."""

import logging
import sys

import structlog


def configure_logging(service: str, *, level: str = "info", style: str = "json") -> None:
    """Sends structlog's lines to standard error.

    Args:
        service: Stands in every line.
        level: Least severe lines written: debug, info, warning, error.
        style: "json" for collectors, "console" for people.
    """
    renderer = structlog.processors.JSONRenderer() if style == "json" else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([structlog.processors.format_exc_info] if style == "json" else []),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
