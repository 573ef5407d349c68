"""Does the transcript at a pause read complete?"""

from maatu_stt.engine.completeness.decision import Completeness, completeness

__all__ = ["Completeness", "completeness"]
