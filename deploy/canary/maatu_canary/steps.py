"""The steps of a canary. Each can be run again at any time: it finds out what is left to do."""

from collections.abc import Callable
from dataclasses import replace

from maatu_canary import clone, models, rollout
from maatu_canary.change import Change
from maatu_canary.clock import Clock, stamp
from maatu_canary.errors import AlreadyThere, CanaryError, WrongUse
from maatu_canary.kubectl import Kubectl, Object
from maatu_canary.release import Component, container, port
from maatu_canary.state import PROMOTED, State, read_state
from maatu_canary.traffic import Entry, Traffic
from maatu_canary.waiting import Times, Waiting


class Canary:
    """The canary of one component.

    Args:
        kubectl: Of the release's namespace.
        component: Whose canary.
        stable: The component's stable Deployment.
        clock: For waiting.
        times: How long to wait.
        say: Takes a line that tells what is being done.
    """

    def __init__(
        self,
        kubectl: Kubectl,
        component: Component,
        stable: Object,
        clock: Clock,
        times: Times,
        say: Callable[[str], None],
    ) -> None:
        self._kubectl = kubectl
        self.component = component
        self.stable = stable
        self._clock = clock
        self._times = times
        self._say = say
        self.traffic = Traffic(kubectl, component)
        self.waiting = Waiting(kubectl, component, clock, times, say)

    def deployment(self) -> Object | None:
        """The canary's Deployment; None: there is no canary."""
        return self._kubectl.get("deployment", self.component.canary)

    def start(self, change: Change, replicas: int) -> None:
        """Makes the canary's Deployment and Service and waits for its pods; it gets no conversations yet.

        Raises:
            WrongUse: there is a canary of something else, or one that is being promoted or aborted.
            CanaryError: its pods do not become ready.
        """
        name = self.component.name
        if name == "gateway" and not self.traffic.routes():
            raise CanaryError("the gateway's traffic is split by a GRPCRoute, and this release has none (edge.type)")
        current = self.deployment()
        if current is None:
            state = State(stamp(self._clock), change)
            made = clone.canary_deployment(self.stable, self.component, change, replicas)
            made["metadata"]["annotations"].update(state.annotations())
            try:
                self._kubectl.create(made)
            except AlreadyThere:  # somebody else starts one at the same time
                current = self.deployment()
        if current is not None:
            state = read_state(current)
            if state.phase != "running":
                raise WrongUse(f"the canary of {name} is {state.phase}; finish that first")
            if state.change != change:
                raise WrongUse(f"there is a canary of {name} already, of {state.change}; promote or abort it first")
            if current["spec"]["replicas"] != replicas:
                self._kubectl.patch("deployment", self.component.canary, {"spec": {"replicas": replicas}})
        if self._kubectl.get("service", self.component.canary) is None:
            service = self._kubectl.get("service", self.component.stable)
            if service is None:
                raise CanaryError(f"the release has no Service {self.component.stable}")
            self._kubectl.create(clone.canary_service(service, self.component))
        self._say(f"waiting until the canary of {name} is ready ({change})")
        self._kubectl.wait_for_rollout(self.component.canary, self._times.rollout_s)
        if self.traffic.entry() is None:
            self.traffic.set(self._entry(state, 0))
        self._say(f"the canary of {name} is ready and gets no conversations yet: maatu-canary weight {name} 10")

    def weight(self, percent: int, replicas: int | None = None) -> None:
        """Sends a share of new conversations to the canary; those under way stay where they are.

        Raises:
            WrongUse: there is no canary, or it is being promoted or aborted.
            CanaryError: none of its pods is ready.
        """
        name = self.component.name
        deployment, state = self._present()
        if state.phase != "running":
            raise WrongUse(f"the canary of {name} is {state.phase}; finish that first")
        if replicas is not None and deployment["spec"]["replicas"] != replicas:
            self._kubectl.patch("deployment", self.component.canary, {"spec": {"replicas": replicas}})
            self._kubectl.wait_for_rollout(self.component.canary, self._times.rollout_s)
        elif percent and not deployment.get("status", {}).get("availableReplicas"):
            raise CanaryError(
                f"no pod of the canary of {name} is ready; see `kubectl describe deployment {self.component.canary}`"
            )
        self.traffic.set(self._entry(state, percent))
        self.waiting.until_gateways_know(percent)
        self._say(f"{percent} % of new conversations use the canary of {name}")

    def promote(self) -> State | None:
        """Gives the stable side what the canary has, then takes the canary away once its conversations have ended.

        Returns:
            What was promoted; None, if that was done before.

        Raises:
            WrongUse: there is no canary, or it is being aborted.
            KubectlFailed: a side's pods do not become ready; promote goes on from there, abort goes back.
        """
        component = self.component
        promoted = self.stable["metadata"].get("annotations", {}).get(PROMOTED)
        if promoted is not None and self.deployment() is None:
            self._remove()
            self._say(
                f"the canary of {component.name} that was started at {promoted} has been promoted; there is no other"
            )
            return None
        _, state = self._present()
        if state.phase == "aborting":
            raise WrongUse(f"the canary of {component.name} is being aborted; finish that first")
        if state.phase == "running":
            self._kubectl.wait_for_rollout(component.canary, self._times.rollout_s)
            self._warn_of_outage()
            before = self._undo(state.change, promoted)
            state = replace(state, phase="promoting", before=before)
            self._annotate(state)
        env = [{"name": name, "value": value} for name, value in state.change.env.items()]
        init = models.init_args(component.name, self.stable["spec"]["template"]["spec"], state.change)
        patch = self._patch(state.id, {"image": state.change.image} if state.change.image else {}, env, init)
        self._kubectl.patch("deployment", component.stable, patch, strategic=True)
        self._say(f"rolling out {state.change} to {component.stable}")
        self._kubectl.wait_for_rollout(component.stable, self._times.rollout_s)
        if self.traffic.entry() is not None:
            self.traffic.set(self._entry(state, 0))
            self.waiting.until_gateways_know(0)
            self.waiting.until_left()
        self._remove()
        self._say(f"{component.stable} runs {state.change}; the canary is gone")
        return state

    def abort(self) -> None:
        """Takes the canary away; what it is serving is drained, later turns use the stable side."""
        component = self.component
        deployment = self.deployment()
        state = read_state(deployment) if deployment is not None else None
        if state is not None and state.phase != "aborting":
            self._annotate(replace(state, phase="aborting"))
        had_entry = self.traffic.entry() is not None
        self.traffic.set(None)
        if state is not None and state.before is not None:
            self._say(f"putting {component.stable} back to what it was")
            self._kubectl.patch("deployment", component.stable, state.before, strategic=True)
            self._kubectl.wait_for_rollout(component.stable, self._times.rollout_s)
        if had_entry or state is not None:
            self.waiting.until_gateways_know(0)
        self._remove()
        self._say(
            f"the canary of {component.name} is gone"
            if state is not None
            else f"there is no canary of {component.name}"
        )

    def _present(self) -> tuple[Object, State]:
        deployment = self.deployment()
        if deployment is None:
            raise WrongUse(f"there is no canary of {self.component.name}; begin with start")
        return deployment, read_state(deployment)

    def _entry(self, state: State, percent: int) -> Entry:
        target = f"dns:///{self.component.canary}:{port(self.stable, self.component.name, 'grpc')}"
        return Entry(target, percent, state.id)

    def _annotate(self, state: State) -> None:
        self._kubectl.patch("deployment", self.component.canary, {"metadata": {"annotations": state.annotations()}})

    def _remove(self) -> None:
        self.traffic.set(None)
        self._kubectl.delete("service", self.component.canary)
        self._kubectl.delete("deployment", self.component.canary)  # last, since it says how far we are

    def _warn_of_outage(self) -> None:
        if rollout.leaves_no_pod(self.stable):
            name = self.component.name
            self._say(
                f"warning: no pod of {self.component.stable} is up while the new one loads, so conversations on the stable side "
                f"go without {name} until then. What prevents that: `maatu-canary weight {name} 100` until they have ended, more "
                f"pods (components.{name}.replicas, or autoscaling.minReplicas), or components.{name}.rollout.maxUnavailable=0 "
                "with maxSurge=1, which takes the room of one more pod"
            )

    def _patch(self, promoted: str | None, fields: Object, env: list[Object], init: list[str] | None) -> Object:
        changed = {"name": self.component.name, **fields, **({"env": env} if env else {})}
        pod: Object = {"containers": [changed]}
        if init is not None:
            pod["initContainers"] = [{"name": models.INIT, "args": init}]
        mark = {"annotations": {PROMOTED: promoted}}
        return {"metadata": mark, "spec": {"template": {"spec": pod}}}

    def _undo(self, change: Change, promoted: str | None) -> Object:
        """The patch that takes a change of the stable side back."""
        now = container(self.stable, self.component.name)
        known = {item["name"]: item for item in now.get("env", [])}
        env = [known.get(name, {"name": name, "$patch": "delete"}) for name in change.env]
        pod = self.stable["spec"]["template"]["spec"]
        init = models.init_container(pod)
        changes = models.init_args(self.component.name, pod, change) is not None
        args = init.get("args", []) if init is not None and changes else None
        return self._patch(promoted, {"image": now["image"]} if change.image else {}, env, args)
