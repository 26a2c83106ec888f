"""A host with two ways to its peer, for tests of hosts that move.

    [mover] 198.51.100.2 ---- 198.51.100.1 [first]  10.200.1.1 ---- 10.200.1.2 [core] 192.0.2.1 ---- 192.0.2.2 [fixed]
            203.0.113.2 ----- 203.0.113.1 [second] 10.200.2.1 ---- 10.200.2.2
"""

from .laboratory import Lab
from .netns import Namespace

FIRST, SECOND, FIXED = "198.51.100.2", "203.0.113.2", "192.0.2.2"


def two_uplinks(lab: Lab, mover_name: str, fixed_name: str) -> tuple[Namespace, Namespace]:
    """Lays the path above and returns mover and fixed; the first uplink is the better one while it is up."""
    mover, first, second = lab.host(mover_name), lab.router("first"), lab.router("second")
    core, fixed = lab.router("core"), lab.host(fixed_name)
    lab.connect(mover, f"{FIRST}/24", first, "198.51.100.1/24")
    lab.connect(mover, f"{SECOND}/24", second, "203.0.113.1/24")
    lab.connect(first, "10.200.1.1/30", core, "10.200.1.2/30")
    lab.connect(second, "10.200.2.1/30", core, "10.200.2.2/30")
    lab.connect(core, "192.0.2.1/24", fixed, f"{FIXED}/24")
    first.default_route("10.200.1.2")
    second.default_route("10.200.2.2")
    core.add_route("198.51.100.0/24", "10.200.1.1")
    core.add_route("203.0.113.0/24", "10.200.2.1")
    fixed.default_route("192.0.2.1")
    set_uplink(mover, first=True)
    return mover, fixed


def set_uplink(mover: Namespace, *, first: bool) -> None:
    """Makes the first uplink the better one, with the second behind it; or pulls its plug."""
    if first:
        mover.set_link("to-first", up=True)
        mover.ip("route", "replace", "default", "via", "198.51.100.1", "metric", "100")
        mover.ip("route", "replace", "default", "via", "203.0.113.1", "metric", "200")
    else:
        mover.set_link("to-first", up=False)
