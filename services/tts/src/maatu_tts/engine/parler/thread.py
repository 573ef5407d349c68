"""The thread that a scheduler runs in, and the way in from others."""

import logging
import queue
import threading
from collections.abc import Callable

import torch

from maatu_tts.engine.parler.scheduler import Scheduler
from maatu_tts.engine.parler.stream import Listener, Request, Stream

log = logging.getLogger(__name__)


class Ticket:
    """What a stream is known by to the thread that asked for it."""

    def __init__(self) -> None:
        self.stream: Stream | None = None


class SchedulerThread:
    """Steps a scheduler while there is work, and sleeps while there is none.

    Args:
        scheduler: Touched by this thread alone from now on.
    """

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._commands: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="tts-parler", daemon=True)
        self._thread.start()

    def add(self, request: Request, listener: Listener) -> Ticket:
        """Has a stream run; its audio goes to the listener, called from the scheduler's thread."""
        ticket = Ticket()

        def command() -> None:
            try:
                ticket.stream = self._scheduler.add(request, listener)
            except Exception as error:
                # Nobody else knows of this listener.
                listener(error)
                raise

        self._commands.put(command)
        return ticket

    def cancel(self, ticket: Ticket) -> None:
        """Has a stream forgotten before the next step, wherever it is."""

        def command() -> None:
            if ticket.stream is not None:
                self._scheduler.cancel(ticket.stream)

        self._commands.put(command)

    def close(self) -> None:
        """Ends the thread after the step it is in. Streams that are left are told nothing."""
        self._commands.put(None)
        self._thread.join()

    def _run(self) -> None:
        self._guarded(self._choose_device, "choosing the device")
        while True:
            while not self._scheduler.busy or not self._commands.empty():
                command = self._commands.get()
                if command is None:
                    return
                self._guarded(command, "a command")
            self._guarded(self._scheduler.step, "a step")

    def _choose_device(self) -> None:
        device = self._scheduler.model.device
        if device.index is not None:
            # CUDA keeps the current device by thread.
            torch.cuda.set_device(device)

    def _guarded(self, work: Callable[[], None], what: str) -> None:
        """Does something that must not end the thread: without it all who speak would wait for ever."""
        try:
            work()
        except Exception as error:
            # A defect. Nobody knows what state it left: all streams end with it, and the next ones begin afresh.
            log.exception("%s failed", what)
            try:
                self._scheduler.fail(error)
            except Exception:
                log.exception("ending the streams failed too")
