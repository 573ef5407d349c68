"""Engines: what turns text into samples. None of them knows gRPC."""
