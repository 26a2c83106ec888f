"""Commands and long-running processes: started, watched through their log file, stopped by their own id."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path


class CommandFailed(Exception):
    """A command ended with a status other than zero; the text holds everything it said."""


def run(argv: list[str], *, timeout_s: float = 60, check: bool = True, **options) -> subprocess.CompletedProcess:
    """Runs a command to its end and returns its status, stdout and stderr as text."""
    argv = [str(word) for word in argv]
    options.setdefault("stdin", subprocess.DEVNULL if "input" not in options else None)
    if options["stdin"] is None:
        del options["stdin"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout_s, **options)
    if check and done.returncode != 0:
        raise CommandFailed(f"{' '.join(argv)}\nstatus {done.returncode}\n{done.stdout}{done.stderr}".rstrip())
    return done


def wait_until(condition, what: str, *, timeout_s: float = 10, interval_s: float = 0.02):
    """Calls `condition` until it returns something true, and returns that; fails with `what` after the timeout."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout_s:g} s in vain for: {what}")
        time.sleep(interval_s)


# What a program that was built with a sanitizer says of itself.
_REPORT = re.compile(r"^.*((ERROR|WARNING): \w+Sanitizer|: runtime error: ).*$", re.MULTILINE)


def sanitizer_report(log: str) -> str | None:
    """The first line of a sanitizer's report in a log."""
    found = _REPORT.search(log)
    return found and found.group()


class Process:
    """A process that runs until it is stopped. What it prints goes to `log_path`."""

    def __init__(self, name: str, argv: list[str], *, log_path: Path, env: dict[str, str] | None = None):
        self.name = name
        self.log_path = Path(log_path)
        with open(self.log_path, "ab") as log:
            self._child = subprocess.Popen(
                [str(word) for word in argv],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
            )

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def status(self) -> int | None:
        """The exit status (negative: the signal that ended it), or None while it runs."""
        return self._child.poll()

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def wait_until(self, condition, what: str, *, timeout_s: float = 10):
        """As the free function, but fails at once, quoting the log's end, when the process ends meanwhile."""

        def alive_and_true():
            value = condition()
            if not value and self.status is not None:
                raise CommandFailed(f"{self.name} ended with status {self.status} before: {what}\n{self.log()[-3000:]}")
            return value

        return wait_until(alive_and_true, f"{self.name}: {what}", timeout_s=timeout_s)

    def wait_for_log(self, text: str, *, timeout_s: float = 10) -> None:
        self.wait_until(lambda: text in self.log(), f"“{text}” in {self.log_path}", timeout_s=timeout_s)

    def wait_for_end(self, *, timeout_s: float = 60) -> int:
        return self._child.wait(timeout_s)

    def signal(self, number: int) -> None:
        if self.status is None:
            self._child.send_signal(number)

    def stop(self, *, timeout_s: float = 5) -> int:
        """Asks the process to end (SIGTERM), insists after the timeout (SIGKILL), and returns its exit status."""
        self.signal(signal.SIGTERM)
        try:
            return self._child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._child.kill()
            return self._child.wait()
