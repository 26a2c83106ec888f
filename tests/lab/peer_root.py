"""Programs of other projects, out of the private roots that `tools/peer-root` builds of Debian's packages."""

from pathlib import Path

from . import process

_TOOL = Path(__file__).resolve().parents[2] / "tools/peer-root"


def path(peer: str) -> Path:
    """The path of a private root, built on first use."""
    return Path(process.run([str(_TOOL), peer], timeout_s=600).stdout.strip())


def inside(peer: str, folder: Path, environment: str, argv: list[str]) -> list[str]:
    """The command line that runs `argv` in a private root, with `folder` as its /run and one more variable set."""
    script = """
        mount --rbind /dev "$1/dev" && mount --bind /proc "$1/proc" && mount --bind "$2" "$1/run" || exit 125
        root=$1; shift 2; exec chroot "$root" "$@" """
    return ["env", environment, "unshare", "--mount", "sh", "-c", script, "sh", str(path(peer)), str(folder), *argv]
