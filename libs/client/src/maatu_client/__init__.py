"""Talk to Maatu from Python, and run all of it on one machine."""

from maatu_client.client import VoiceClient
from maatu_client.conversation import Conversation
from maatu_client.options import Options
from maatu_client.reply import Reply

__all__ = ["Conversation", "Options", "Reply", "VoiceClient"]
