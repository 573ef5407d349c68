"""kubectl as a process: what is read comes back as objects, what is changed can be shown instead of done."""

import json
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

from maatu_canary.errors import AlreadyThere, Conflict, KubectlFailed, UnknownKind

Object: TypeAlias = dict[str, Any]
"""An object of Kubernetes, or a part of one, as in its JSON."""

_FORWARDING = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+)")
_MEANINGS: tuple[tuple[re.Pattern[str], type[KubectlFailed]], ...] = (
    (re.compile(r"\(Conflict\)|the object has been modified"), Conflict),
    (re.compile(r"\(AlreadyExists\)"), AlreadyThere),
    (
        re.compile(r"doesn't have a resource type|no matches for kind|could not find the requested resource"),
        UnknownKind,
    ),
)


class Kubectl:
    """Runs kubectl.

    Args:
        base: The program and the options of every call: `["kubectl", "--context", "prod"]`.
        dry_run: Show the calls that change something, and the waits, instead of making them. Reading is done all the same.
        say: Takes each line that is shown.
    """

    def __init__(self, base: Sequence[str], *, dry_run: bool, say: Callable[[str], None]) -> None:
        self._base = tuple(base)
        self.dry_run = dry_run
        self._say = say

    def get(self, kind: str, name: str) -> Object | None:
        """An object, or None if there is none of this name."""
        text = self._run("get", kind, name, "--ignore-not-found", "-o", "json")
        return json.loads(text) if text.strip() else None

    def list(self, kind: str, selector: str) -> list[Object]:
        """The objects of a kind that have these labels, by name."""
        items: list[Object] = json.loads(self._run("get", kind, "-l", selector, "-o", "json"))["items"]
        return sorted(items, key=lambda item: str(item["metadata"]["name"]))

    def raw(self, path: str) -> str:
        """What the API server answers at a path."""
        return self._run("get", "--raw", path)

    def create(self, object_: Object) -> None:
        """Creates an object; AlreadyThere if it exists."""
        # The objects come from the API server itself, so that there is nothing for kubectl to validate.
        self._change("create", "--validate=false", "-f", "-", manifest=object_)

    def replace(self, object_: Object) -> None:
        """Writes an object that was read before; Conflict if it has changed since."""
        self._change("replace", "--validate=false", "-f", "-", manifest=object_)

    def patch(self, kind: str, name: str, patch: Object, *, strategic: bool = False) -> None:
        """Changes some fields of an object.

        Args:
            kind: Its kind.
            name: Its name.
            patch: The fields.
            strategic: Lists are merged by the name of their entries, instead of being replaced.
        """
        how = "strategic" if strategic else "merge"
        self._change("patch", kind, name, f"--type={how}", "-p", json.dumps(patch, ensure_ascii=False))

    def annotate(self, kind: str, names: Sequence[str], annotation: str) -> None:
        """Sets an annotation, "key=value", of several objects."""
        self._change("annotate", kind, *names, annotation, "--overwrite")

    def delete(self, kind: str, name: str) -> None:
        """Deletes an object if it exists, without waiting for what belongs to it."""
        self._change("delete", kind, name, "--ignore-not-found", "--wait=false")

    def wait_for_rollout(self, name: str, timeout_s: int) -> None:
        """Waits until all pods of a Deployment are new and ready; KubectlFailed after the time or when it gave up."""
        self._change("rollout", "status", f"deployment/{name}", f"--timeout={timeout_s}s")

    @contextmanager
    def forwarded(self, pod: str, port: int) -> Iterator[str]:
        """A local address "127.0.0.1:PORT" that leads to a port of a pod."""
        command = [*self._base, "port-forward", f"pod/{pod}", f":{port}", "--address=127.0.0.1"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            match = _FORWARDING.match(process.stdout.readline())
            if match is None:
                process.kill()
                raise KubectlFailed(command, process.stderr.read())
            yield f"127.0.0.1:{match[1]}"
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
            process.stderr.close()

    def _change(self, *args: str, manifest: Object | None = None) -> None:
        if not self.dry_run:
            self._run(*args, manifest=manifest)
            return
        shown = shlex.join([*self._base, *args])
        if manifest is not None:
            shown += f" <<'EOF'\n{json.dumps(manifest, indent=2, ensure_ascii=False)}\nEOF"
        self._say(shown)

    def _run(self, *args: str, manifest: Object | None = None) -> str:
        command = [*self._base, *args]
        try:
            done = subprocess.run(
                command,
                input=json.dumps(manifest) if manifest is not None else "",
                capture_output=True,
                text=True,
                check=False,
            )
        except OSError as error:
            raise KubectlFailed(command, f"cannot be run: {error}") from None
        if done.returncode == 0:
            return done.stdout
        for pattern, meaning in _MEANINGS:
            if pattern.search(done.stderr):
                raise meaning(command, done.stderr)
        raise KubectlFailed(command, done.stderr)
