"""Entries of summary.json: the samples of a comparison, and what is made of them (README.md)."""

import re
import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Aim:
    """What an entry is to reach: `of` is its key, "value", "ratio" or "added"; `better` is "more" or "less"."""

    value: float
    of: str = "ratio"
    better: str = "more"


# The project's aims; of those whose metric, name and other side match, the first counts.
_AIMS = [
    ("P1", "", "bare veth", Aim(0.45)),
    ("P1", "", "strongSwan", Aim(10)),
    ("P1", "", "wireguard-go", Aim(2)),
    ("P1", "", "OpenVPN", Aim(1.5)),
    ("P2", "", "bare veth", Aim(0.45)),
    ("P3", "", "bare veth", Aim(0.6)),
    ("P4", "^(seal|open|seal and open) 1400 B", "", Aim(1.2, better="less")),
    ("P4", "^rate of (seal|open) IMIX", "", Aim(6, of="value")),
    ("P6", "^system calls .*TCP", "", Aim(0.05, of="value", better="less")),
    ("P7", "p50", "bare veth", Aim(40, of="added", better="less")),
    ("P7", "p99", "bare veth", Aim(90, of="added", better="less")),
    ("P8", "p99", "when idle", Aim(4, better="less")),
    ("P9", "^10,000 .*bursts of 16", "", Aim(0.9)),
    ("P9", "^100,000 .*bursts of 16", "", Aim(0.8)),
    ("P10", "^two threads, (64|one) child", "", Aim(1.8)),
    ("P11", "", "", Aim(0.95)),
    ("P15", "^CPU of a set-up, both ends", "", Aim(1.35, better="less")),
    ("P15", "^CPU per set-up, ", "^itself", Aim(1.35, better="less")),
]


def aim_of(entry):
    for identity, name, other, aim in _AIMS:
        if entry["id"] == identity and re.search(name, entry["name"]) and re.search(other, entry["other"] or ""):
            return aim
    return None


def _quartiles(values):
    if len(values) < 2:
        return [values[0], values[0]]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return [round(low, 6), round(high, 6)]


def complete(entry):
    """Adds the spread and the aim to an entry that has its samples; a sample is [own, other] of one round."""
    samples = entry["samples"]
    own = [sample[0] for sample in samples]
    entry["value"] = statistics.median(own)
    entry["quartiles"] = _quartiles(own)
    if entry["other"] is not None:
        others, ratios = [sample[1] for sample in samples], [sample[0] / sample[1] for sample in samples]
        entry["other_value"] = statistics.median(others)
        entry["other_quartiles"] = _quartiles(others)
        entry["ratio"] = round(statistics.median(ratios), 5)
        entry["ratio_quartiles"] = _quartiles(ratios)
    if entry["unit"] == "us" and entry["other"] is not None:
        entry["added"] = round(statistics.median(sample[0] - sample[1] for sample in samples), 3)
    if aim := aim_of(entry):
        entry["aim"] = {"value": aim.value, "of": aim.of, "better": aim.better}
    return entry


def entry(identity, name, unit, other, samples):
    """One metric; `other` is None, as are the samples' second halves, where nothing is compared."""
    return complete({"id": identity, "name": name, "unit": unit, "other": other, "samples": [list(s) for s in samples]})


def line(result):
    text = f"{result['id']:4} {result['name']:52} {result['value']:10.4g} {result['unit']}"
    if result["other"]:
        low, high = result["ratio_quartiles"]
        text += f"   {result['ratio']:.3g} ({low:.3g} to {high:.3g}) x {result['other']} ({result['other_value']:.4g})"
    if "added" in result:
        text += f"   added {result['added']:.4g}"
    if aim := result.get("aim"):
        text += f"   aim: {aim['of']} at {'least' if aim['better'] == 'more' else 'most'} {aim['value']:g}"
    return text
