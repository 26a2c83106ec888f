"""strongSwan on a host of the laboratory, out of the private root that `tools/peer-root strongswan` builds.

`charon` runs with its userspace ESP (the plugin kernel-libipsec), which needs a TUN device and nothing of the
kernel's IPsec. It always encapsulates in UDP, knows no ESN, and gives its device ipsec0 an MTU of 1400.
"""

import shutil
from pathlib import Path

from . import peer_root, process
from .ike_daemon import IkeDaemon
from .laboratory import Lab
from .netns import Namespace

# Plugins that reach for the host, for hardware, or into the traffic.
_UNLOADED = "bypass-lan connmark dhcp error-notify farp forecast ha lookip pkcs11 resolve stroke tpm unity updown".split()

_SETTINGS = """
charon {
    load_modular = yes
    plugins {
        include /etc/strongswan.d/charon/*.conf
        kernel-libipsec {
            load = yes
        }
        %UNLOADED%
    }
    filelog {
        log {
            path = /run/charon.log
            time_format = %T
            time_add_ms = yes
            flush_line = yes
            default = 1
            ike = 2
            cfg = 2
            chd = 2
            %LOGGROUPS%
        }
    }
    # Several SAs and many attempts from one address are what tests do.
    cookie_threshold_ip = 100000
    block_threshold = 100000
    %SETTINGS%
}
"""


def root() -> Path:
    """The path of the private root, built on first use."""
    return peer_root.path("strongswan")


def _inside_root(folder: Path, environment: str, argv: list[str]) -> list[str]:
    """The command line that runs `argv` in the private root, with `folder` as its /run and one more variable set."""
    return peer_root.inside("strongswan", folder, environment, argv)


class Swanctl:
    """The unmodified `swanctl`, for the daemon whose socket lies in `folder`.

    Its configuration is `folder`/swanctl/swanctl.conf with the usual folders beside it.
    """

    def __init__(self, folder: Path, socket: str = "charon.vici"):
        self._folder = folder
        self._socket = socket

    def configure(self, config: str, files: dict[str, Path] | None = None) -> None:
        home = self._folder / "swanctl"
        home.mkdir(exist_ok=True)
        (home / "swanctl.conf").write_text(config)
        for name, source in (files or {}).items():
            (home / name).parent.mkdir(exist_ok=True)
            shutil.copy(source, home / name)

    def command(self, *words: str) -> list[str]:
        argv = ["/usr/sbin/swanctl", *words, "--uri", f"unix:///run/{self._socket}"]
        return _inside_root(self._folder, "SWANCTL_DIR=/run/swanctl", argv)

    def __call__(self, *words: str, check: bool = True, timeout_s: float = 60):
        return process.run(self.command(*words), check=check, timeout_s=timeout_s)


class StrongSwan(IkeDaemon):
    """One `charon`, running until the laboratory closes, with `config` (swanctl.conf) loaded.

    `settings` are further lines for strongswan.conf's section charon, `log_groups` for its log.
    """

    def __init__(self, lab: Lab, host: Namespace, config: str = "", *, files: dict[str, Path] | None = None,
                 name: str | None = None, settings: str = "", log_groups: str = ""):
        self.host = host
        self.name = name or f"charon-{host}"
        self.folder = lab.folder / self.name
        self.folder.mkdir()
        self.socket = self.folder / "charon.vici"
        unloaded = "\n        ".join(f"{plugin} {{\n            load = no\n        }}" for plugin in _UNLOADED)
        text = _SETTINGS.replace("%UNLOADED%", unloaded).replace("%SETTINGS%", settings)
        text = text.replace("%LOGGROUPS%", log_groups)
        (self.folder / "strongswan.conf").write_text(text)
        self.swanctl = Swanctl(self.folder)
        argv = _inside_root(self.folder, "STRONGSWAN_CONF=/run/strongswan.conf", ["/usr/lib/ipsec/charon"])
        self.process = lab.start(self.name, host, *argv)
        self.process.wait_until(self.answers, "the control socket answers")
        self.load(config, files)

    def load(self, config: str, files: dict[str, Path] | None = None) -> None:
        self.swanctl.configure(config, files)
        self.swanctl("--load-all", "--noprompt")

    def log(self) -> str:
        return (self.folder / "charon.log").read_text(errors="replace")

    def stop(self) -> int:
        return self.process.stop()
