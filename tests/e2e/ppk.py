"""Postquantum preshared keys: secrets, their rotation, a folder of one-time pads, and a key management entity."""

import secrets
import sys
from pathlib import Path

from lab.pki import Authority

from scenario import Gateways, carries_traffic, counter, established, scenario, settled, wait_until

KME = "192.0.2.1"  # the left gateway's host serves both


def _ppk(key: str, identity: str = "k1") -> dict:
    return {"secrets": {"ppk-1": {"id": identity, "secret": f'"{key}"'}}}


def _ids(gateways: Gateways) -> list:
    return [established(end).get("ppk-id") for end in (gateways.left, gateways.right)]


def _rekey(daemon):
    with daemon.vici() as session:
        session.request("rekey", {"ike": "net"})


def _settled(gateways: Gateways):
    wait_until(lambda: settled(gateways.left) and settled(gateways.right), "one IKE SA with one child")


@scenario
def ppk_rotation(lab):
    """A secret is replaced under its id while the tunnel is up: the next rekey takes the new one, and no packet is lost."""
    gateways = Gateways(lab, ppk_id="k1", ppk_required="yes", ppk_rekey="yes", more=_ppk("the first of two keys, long enough to be one"))
    gateways.up()
    assert _ids(gateways) == ["k1", "k1"], _ids(gateways)
    assert counter(gateways.left, "ppk-used") == 1
    for end in (gateways.left, gateways.right):
        with end.vici() as session:
            session.request("load-shared", {"id": "ppk-1", "type": "ppk", "data": "the second of two keys, long enough as well", "owners": ["k1"]})
        end.command("why", check=False)  # What was loaded counts from now on, not only when no more of it comes.
    before = established(gateways.left)["initiator-spi"]
    _rekey(gateways.left)
    _settled(gateways)
    assert established(gateways.left)["initiator-spi"] != before
    used = [counter(end, "ppk-used") for end in (gateways.left, gateways.right)]
    assert used == [2, 2], used
    carries_traffic(gateways)


@scenario
def ppk_pads(lab):
    """Each IKE SA takes another pad, on both sides; a restart brings none back, and without one there is no tunnel."""
    folders = []
    pads = {f"pad-{number}": secrets.token_bytes(32) for number in range(3)}
    for side in ("left", "right"):
        folder = Path(lab.folder) / f"pads-{side}"
        folder.mkdir()
        for name, key in pads.items():
            (folder / name).write_bytes(key)
        folders.append(folder)
    gateways = Gateways(lab, ppk_required="yes", left_keys={"ppk_pads": folders[0]}, right_keys={"ppk_pads": folders[1]})
    used = set()
    for number in range(3):
        gateways.up()
        left, right = _ids(gateways)
        assert left == right and left not in used, (left, right, used)
        used.add(left)
        gateways.left.down("net")
        wait_until(lambda: not gateways.right.sas(), "nothing is left")
        for folder in folders:
            assert {path.name for path in folder.iterdir() if path.is_file()} == set(pads) - used
            assert {path.name for path in (folder / "used").iterdir()} == used
            assert all(path.stat().st_size == 0 for path in (folder / "used").iterdir())
    outcome = gateways.left.command("up", "net", check=False)
    assert outcome.returncode != 0 and not gateways.left.sas()
    # A restored folder does not help: the names are taken.
    for folder in folders:
        for name, key in pads.items():
            (folder / name).write_bytes(key)
    assert gateways.left.command("up", "net", check=False).returncode != 0


@scenario
def ppk_qkd(lab):
    """Both sides get the same key from their key management entities, over TLS with certificates, for the IKE SA and each rekey."""
    authority = Authority(lab.folder)
    server, client = authority.issue("kme.example", names=[f"kme.example,IP:{KME}"]), authority.issue("sae.example")
    keys = {"ppk_qkd_cert": client[0], "ppk_qkd_key": client[1], "ppk_qkd_ca": authority.certificate}
    gateways = Gateways(lab, ppk_required="yes", ppk_rekey="required", options=(),
                        left_keys={"ppk_qkd": f"https://{KME}:8443/api/v1/keys/right", **keys},
                        right_keys={"ppk_qkd": f"https://{KME}:8443/api/v1/keys/left", **keys})
    entity = lab.start("kme", gateways.left_host, sys.executable, "-u", str(Path(__file__).with_name("ppk_server.py")), KME, "8443",
                       server[0], server[1], authority.certificate)
    entity.wait_for_log("serving keys")
    gateways.up()
    first = _ids(gateways)
    assert first[0] == first[1] and len(first[0]) == 36, first
    _rekey(gateways.left)
    _settled(gateways)
    second = _ids(gateways)
    assert second[0] == second[1] and second != first, (first, second)
    carries_traffic(gateways)
