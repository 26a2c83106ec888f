"""Cygnet on a host of the laboratory: the daemon with a configuration folder, and its command line."""

import json
import os
import shutil
from pathlib import Path

from .ike_daemon import IkeDaemon
from .laboratory import Lab
from .netns import Namespace
from .process import run

_PROJECT = Path(__file__).resolve().parents[2]


def program(name: str) -> str:
    """The path of `cygnetd`, `cygnet` or a program of tests: from the folder CYGNET_BIN, else the newest one under build/."""
    if folder := os.environ.get("CYGNET_BIN"):
        candidates = sorted(Path(folder).glob(name)) or sorted(Path(folder).glob(f"*/*/{name}"))
    else:
        candidates = sorted(_PROJECT.glob(f"build/*/*/*/{name}"), key=lambda path: path.stat().st_mtime)
    candidates = [path for path in candidates if path.is_file() and os.access(path, os.X_OK)]
    if not candidates:
        raise FileNotFoundError(f"{name} is not built; build it, or point CYGNET_BIN at the build folder")
    return str(candidates[-1])


class Cygnet(IkeDaemon):
    """One `cygnetd`, running until the laboratory closes.

    `config` is the text of cygnet.conf. `files` maps names beside it, as `x509/left.pem`, to files to copy; `options` are
    further words of the command line.
    """

    def __init__(self, lab: Lab, host: Namespace, config: str = "", *, files: dict[str, Path] | None = None,
                 name: str | None = None, log_level: str = "debug", options: tuple[str, ...] = (),
                 wait: bool = True, state_folder: Path | None = None):
        self.host = host
        self.name = name or f"cygnetd-{host}"
        self.folder = lab.folder / self.name
        self.run_folder = self.folder / "run"
        self.run_folder.mkdir(parents=True)
        self.state_folder = state_folder or self.folder / "state"
        self.socket = self.run_folder / "cygnet.vici"
        self.config_path = self.folder / "cygnet.conf"
        self.configure(config, files)
        self.process = lab.start(
            self.name, host, program("cygnetd"),
            "--config", str(self.config_path),
            "--vici", f"unix://{self.socket}",
            "--run-dir", str(self.run_folder),
            "--state-dir", str(self.state_folder),
            "--log", log_level,
            *options,
        )
        if wait:
            self.process.wait_until(self.answers, "the control socket answers")

    def configure(self, config: str, files: dict[str, Path] | None = None) -> None:
        """Writes the configuration file and its neighbours; the daemon reads them when it starts."""
        self.config_path.write_text(config)
        for name, source in (files or {}).items():
            target = self.folder / name
            target.parent.mkdir(exist_ok=True)
            shutil.copy(source, target)

    def command(self, *words: str, check: bool = True, timeout_s: float = 30):
        """Runs `cygnet WORDS` against this daemon."""
        argv = [program("cygnet"), "--vici", f"unix://{self.socket}", *words]
        return run(argv, check=check, timeout_s=timeout_s)

    def json(self, *words: str):
        """Runs `cygnet WORDS --json` and returns what it printed, as values."""
        return json.loads(self.command(*words, "--json").stdout)

    def up(self, child: str, *, timeout_s: float = 30):
        return self.command("up", child, timeout_s=timeout_s)

    def down(self, name: str, *, timeout_s: float = 30):
        return self.command("down", name, timeout_s=timeout_s)

    def status(self):
        return self.json("status")

    def log(self) -> str:
        return self.process.log()

    def stop(self) -> int:
        return self.process.stop()
