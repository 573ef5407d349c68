"""The command line."""

import argparse
import json
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

from maatu_canary import change, probe, status
from maatu_canary.clock import Clock, SystemClock
from maatu_canary.errors import CanaryError, NoSuchComponent, WrongUse
from maatu_canary.judge import Limits
from maatu_canary.kubectl import Kubectl
from maatu_canary.release import COMPONENTS, container, find
from maatu_canary.steps import Canary
from maatu_canary.values import upgrade_hint
from maatu_canary.waiting import Times
from maatu_canary.watch import Plan, watch

_DEFAULTS = Limits()


def main(argv: Sequence[str] | None = None, *, clock: Clock | None = None, out: TextIO = sys.stdout) -> int:
    """Runs one step.

    Returns:
        The exit status: 0 done; 1 failed, try again; 2 wrong use; 3 the watch aborted the canary; 4 the watch could not tell;
        130 interrupted.
    """
    options = _parser().parse_args(argv)

    def say(text: str) -> None:
        out.write(text + "\n")
        out.flush()

    base = [options.kubectl]
    for name in ("namespace", "context", "kubeconfig"):
        if getattr(options, name) is not None:
            base += [f"--{name}", getattr(options, name)]
    kubectl = Kubectl(base, dry_run=options.dry_run, say=say)
    try:
        return _run(options, kubectl, clock or SystemClock(), say)
    except WrongUse as error:
        sys.stderr.write(f"maatu-canary: {error}\n")
        return 2
    except CanaryError as error:
        sys.stderr.write(f"maatu-canary: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("maatu-canary: interrupted; the same command goes on from here\n")
        return 130


def _run(options: argparse.Namespace, kubectl: Kubectl, clock: Clock, say: Callable[[str], None]) -> int:
    times = Times(options.timeout, options.settle, options.drain)

    def of(name: str) -> Canary:
        component, stable = find(kubectl, name, options.release)
        return Canary(kubectl, component, stable, clock, times, say)

    match options.step:
        case "status":
            return _status(options, of, say)
        case "start":
            canary = of(options.service)
            now = container(canary.stable, options.service)
            canary.start(change.parse(options.service, options.what, options.set, now), options.replicas or 1)
        case "weight":
            of(options.service).weight(options.percent, options.replicas)
        case "promote":
            canary = of(options.service)
            state = canary.promote()
            if state is not None:
                say(upgrade_hint(canary.component, state))
        case "abort":
            of(options.service).abort()
        case "watch":
            return watch(of(options.service), kubectl, _plan(options), clock, say).value
    return 0


def _status(options: argparse.Namespace, of: Callable[[str], Canary], say: Callable[[str], None]) -> int:
    known = []
    for name in [options.service] if options.service else COMPONENTS:
        try:
            canary = of(name)
        except NoSuchComponent:
            if options.service:
                raise
            continue  # a release need not have every component
        known.append(status.describe(canary))
    found = [item for item in known if item is not None]
    if options.json:
        say(json.dumps(found, indent=2, ensure_ascii=False))
        return 0
    for item in found:
        say(status.line(item))
    if not found:
        say("there is no canary")
    return 0


def _plan(options: argparse.Namespace) -> Plan:
    limits = Limits(options.max_p95_ratio, options.max_error_increase, options.min_requests)
    probed = None
    if options.probe is not None:
        if options.service != "stt":
            raise WrongUse("--probe is for stt: its recordings are transcribed")
        command = shlex.split(options.transcribe) if options.transcribe else probe.default_command()
        probed = probe.Probe(probe.read_utterances(options.probe), command, options.max_wer_increase)
    return Plan(options.duration, options.interval, options.window, options.max_restarts, limits, probed)


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("-n", "--namespace", help="of the release; default: kubectl's present one")
    common.add_argument("--context", help="of the kubeconfig")
    common.add_argument("--kubeconfig", help="path of the kubeconfig")
    common.add_argument("--release", help="name of the Helm release; needed only where there are several")
    common.add_argument(
        "--kubectl", default="kubectl", metavar="PATH", help="the kubectl to use (default: %(default)s)"
    )
    common.add_argument(
        "--dry-run", action="store_true", help="show the kubectl calls that change something; make none of them"
    )
    times = Times()
    common.add_argument(
        "--timeout",
        type=_whole,
        default=times.rollout_s,
        metavar="S",
        help="wait so long for pods (default: %(default)s)",
    )
    common.add_argument(
        "--settle", type=_seconds, default=times.settle_s, metavar="S",
        help="wait so long for gateways to read a new share (default: %(default)s)",
    )  # fmt: skip
    common.add_argument(
        "--drain", type=_seconds, default=times.drain_s, metavar="S",
        help="wait so long for the conversations of a promoted canary to end (default: %(default)s)",
    )  # fmt: skip
    parser = argparse.ArgumentParser(prog="maatu-canary", description="A canary of one component of a Maatu release.")
    steps = parser.add_subparsers(dest="step", required=True, metavar="STEP")

    def step(name: str, text: str, *, service: bool = True) -> argparse.ArgumentParser:
        made = steps.add_parser(name, help=text, description=text, parents=[common])
        made.add_argument("service", choices=COMPONENTS, metavar="SERVICE", nargs=None if service else "?")
        return made

    start = step(
        "start", "Make a second Deployment with another image, model or settings; it gets no conversations yet."
    )
    start.add_argument(
        "what", nargs="?", metavar="IMAGE_OR_MODEL", help="an image names a tag or digest; all else is a model"
    )
    start.add_argument(
        "--set", action="append", default=[], metavar="FIELD=VALUE", help="another setting of the service"
    )
    start.add_argument("--replicas", type=_whole, help="pods of the canary (default: 1)")
    weight = step("weight", "Send this share of new conversations to the canary.")
    weight.add_argument("percent", type=_percent, metavar="PERCENT", help="0 to 100")
    weight.add_argument("--replicas", type=_whole, help="first have so many pods of the canary")
    status_ = step("status", "Show the canaries.", service=False)
    status_.add_argument("--json", action="store_true", help="print JSON")
    step("promote", "Give the stable side what the canary has; then take the canary away.")
    step("abort", "Take the canary away; put the stable side back if it was being promoted.")
    _add_watch(step("watch", "Compare the canary with the stable side; abort it past the limits."))
    return parser


def _add_watch(parser: argparse.ArgumentParser) -> None:
    plan = Plan()

    def add(flag: str, convert: Callable[[str], object], default: object, text: str, dest: str | None = None) -> None:
        name = dest or flag.removeprefix("--").replace("-", "_")
        parser.add_argument(flag, dest=name, type=convert, default=default, help=f"{text} (default: %(default)s)")

    add("--for", _seconds, plan.for_s, "seconds to watch", "duration")
    add("--interval", _seconds, plan.interval_s, "seconds between two looks")
    add("--window", _seconds, plan.window_s, "seconds that the compared figures reach back")
    add("--max-p95-ratio", float, _DEFAULTS.p95_ratio, "p95 of the time to the first output, over the stable side's")
    add("--max-error-increase", float, _DEFAULTS.error_increase, "share of failed calls above the stable side's")
    add("--min-requests", _whole, _DEFAULTS.min_requests, "of each side, before they are compared")
    add("--max-restarts", int, plan.max_restarts, "restarts of a canary's container since the watch began")
    add("--max-wer-increase", float, 0.02, "word error rate of the probe set above the stable side's")
    parser.add_argument("--probe", type=Path, metavar="DIR", help="probe set for stt: NAME.wav beside NAME.txt")
    parser.add_argument(
        "--transcribe",
        metavar="COMMAND",
        help="prints a line for each recording it is given; {server} in it becomes HOST:PORT (default: transcribe.py)",
    )


def _whole(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value < float("inf"):
        raise ValueError
    return value


def _percent(text: str) -> int:
    value = int(text.removesuffix("%"))
    if not 0 <= value <= 100:
        raise ValueError
    return value
