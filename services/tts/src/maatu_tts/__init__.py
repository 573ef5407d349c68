"""Maatu's text-to-speech service."""
