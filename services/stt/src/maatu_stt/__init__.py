"""Maatu's speech-to-text service."""
