"""Streaming Parler-TTS: our own batched decoding engine."""
