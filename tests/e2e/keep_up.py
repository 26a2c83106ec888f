"""keep_up = yes: a connection that nobody starts by hand, and that comes back whatever takes it down."""

from scenario import Gateways, carries_traffic, established, scenario, wait_until


def comes_up(gateways: Gateways, *, not_spi: str = "") -> str:
    """Waits until the tunnel is up again with other SPIs; the new one."""
    def fresh() -> bool:
        children = [child for sa in gateways.left.sas() for child in sa["child-sas"].values() if child["state"] == "INSTALLED"]
        return len(children) == 1 and children[0]["spi-in"] != not_spi
    wait_until(fresh, "the tunnel is up")
    carries_traffic(gateways)
    return established(gateways.left)["child"]["spi-in"]


@scenario
def kept_up(lab):
    """Begins by itself, past a name that does not exist; survives the peer's deletion and a change of the configuration."""
    gateways = Gateways(lab, left_keys={"keep_up": "yes", "remote_addrs": "nowhere.invalid, 192.0.2.2"})
    left, right = gateways.left, gateways.right
    spi = comes_up(gateways)
    right.command("down", "net")
    spi = comes_up(gateways, not_spi=spi)
    assert "closed the connection" in left.command("why", "net").stdout

    # The peer may refuse for a while.
    text = right.config_path.read_text()
    right.configure(text.replace("an end-to-end secret", "something else"))
    right.command("reload")
    right.command("down", "net")
    wait_until(lambda: left.json("why", "net").get("next-attempt", 0) > 10, "the refused attempts become slow")
    assert left.json("why", "net")["failures"]["0"]["kind"] == "credential"
    right.configure(text)
    right.command("reload")
    # A change is tried at once, however long the pause was.
    left.configure(left.config_path.read_text().replace("keep_up = yes", "keep_up = yes\n        dpd_delay = 20s"))
    left.command("reload")
    spi = comes_up(gateways, not_spi=spi)
    left.command("reload")
    assert established(left)["child"]["spi-in"] == spi, "a reload without a change disturbed the tunnel"


@scenario
def kept_up_until_the_operator_takes_it_down(lab):
    gateways = Gateways(lab, left_keys={"keep_up": "yes"})
    left = gateways.left
    comes_up(gateways)
    left.command("down", "net")
    wait_until(lambda: not gateways.right.sas(), "the right end knows that it is down")
    why = left.json("why", "net")
    assert why["sentence"] == "net is down: terminated by the operator: `cygnet up net` brings it back", why
    assert "next-attempt" not in why and not left.sas()
    spi = established(left.up("net") and left)["child"]["spi-in"]
    gateways.right.command("down", "net")
    comes_up(gateways, not_spi=spi)
