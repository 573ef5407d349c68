"""How far a canary is, as annotations of its Deployment tell: what an interrupted step needs to be taken up again."""

import json
from dataclasses import dataclass
from typing import Literal, get_args

from maatu_canary.change import Change
from maatu_canary.errors import CanaryError
from maatu_canary.kubectl import Object

Phase = Literal["running", "promoting", "aborting"]
ID = "maatu.dev/canary-id"
CHANGE = "maatu.dev/canary-change"
PHASE = "maatu.dev/canary-phase"
BEFORE = "maatu.dev/canary-stable-before"
PROMOTED = "maatu.dev/canary-promoted"
"""On the stable Deployment: the canary that it was promoted from last."""


@dataclass(frozen=True)
class State:
    """What the annotations say."""

    id: str
    """The canary's generation: when it was started."""
    change: Change
    phase: Phase = "running"
    before: Object | None = None
    """From the moment the stable side is changed: the patch that undoes it."""

    def annotations(self) -> dict[str, str]:
        """For the canary's Deployment."""
        marks = {ID: self.id, CHANGE: self.change.to_json(), PHASE: self.phase}
        return marks if self.before is None else {**marks, BEFORE: json.dumps(self.before, ensure_ascii=False)}


def read_state(deployment: Object) -> State:
    """Reads the annotations of a canary's Deployment.

    Raises:
        CanaryError: it was not made by this command.
    """
    marks = deployment["metadata"].get("annotations") or {}
    for phase in get_args(Phase):
        if marks.get(PHASE) == phase and ID in marks and CHANGE in marks:
            before = json.loads(marks[BEFORE]) if BEFORE in marks else None
            return State(marks[ID], Change.from_json(marks[CHANGE]), phase, before)
    raise CanaryError(
        f"the Deployment {deployment['metadata']['name']} was not made by maatu-canary; leave it or delete it"
    )
