"""Which records are repetitions of one experiment: those of one variant whose settings are the same.

Means and intervals are over training seeds of the same settings, code, precision and scoring networks. Where the
records of a variant differ in any of these, each group becomes a row of its own.
"""

from __future__ import annotations

from collections.abc import Iterable

# What may differ between the seeds of one experiment; a difference in anything else means two experiments.
VARIES = {"repetition", "seed", "preset", "limit_seconds", "timing_seconds", "title", "era", "reference", "task"}
VARIES |= {"trial", "changes", "series", "look", "variant", "kind", "starts_from"}
VARIES |= {"extractor_hashes"}  # as planned, some of them unknown then; the samples say which networks scored them
CODE = {"code_hash", "train_code"}  # in which timing cells may differ from the seeds that they are shown with
# Settings that decide no number of such a cell.
NOT_OF_KIND = {
    "quality": {"cost_code"},
    "timing": {"score_code", "n_samples", "curve_points", "curve_nfe", "scores", "extractors", "ancestor"}
    | {"charged"},
}
EXTRACTORS = ("fid_extractor", "fid2_extractor")
PRECISION = ("precision", "tf32_matmul", "tf32_cudnn")
Group = list[dict]


def separate(records: Iterable[dict]) -> list[dict]:
    """The records in their order, where those of one variant and data set share their settings.

    The largest group of a variant's records keeps its name (of equally large ones the newest). Each other one gets
    the name with a number, such as "diffusion [2]", and a reason that says in what it differs from the largest.
    """
    records = list(records)
    variants: dict[tuple, Group] = {}
    for record in records:
        variants.setdefault((record["cell"]["dataset"], record["cell"]["variant"]), []).append(record)
    renamed = {}
    for group in variants.values():
        main, *others = _experiments(group)
        for number, other in enumerate(others, 2):
            renamed |= {id(record): _renamed(record, number, main) for record in other}
    return [renamed.get(id(record), record) for record in records]


def settings(record: dict) -> dict:
    """Everything that makes two records two experiments where it differs: name of the setting -> its value."""
    cell, provenance = record["cell"], record.get("provenance") or {}
    left_out = VARIES | NOT_OF_KIND.get(record["kind"], set())
    found = {name: value for name, value in cell.items() if name not in left_out}
    if "ancestor" in found:  # the trained cell that this one starts from: only its name, which has neither seed nor key
        found["ancestor"] = (cell["ancestor"] or "").partition(".")[0] or None
    found |= {name: provenance.get(name) for name in PRECISION}
    found["charged"] = (record.get("training") or {}).get("charged")
    samples = (record.get("quality") or {}).get("samples") or []
    for name in EXTRACTORS:
        found[name] = ", ".join(sorted({entry[name] for entry in samples if entry.get(name)})) or None
    return {name: value for name, value in sorted(found.items()) if value is not None}


def _experiments(records: Group) -> list[Group]:
    """The records in groups of equal settings, the largest first; timing cells with the seeds that they belong to."""
    groups = _grouped([record for record in records if record["kind"] == "quality"])
    timed: set[int] = set()
    for launches in _grouped([record for record in records if record["kind"] == "timing"]):
        differing = {i: _differing(group, launches[0]) for i, group in enumerate(groups) if i not in timed}
        hosts = {i: names for i, names in differing.items() if names <= CODE}
        if hosts:
            host = min(hosts, key=lambda i: len(hosts[i]))
            groups[host] += launches
        else:
            groups.append(launches)
            host = len(groups) - 1
        timed.add(host)
    return groups


def _grouped(records: Group) -> list[Group]:
    groups: list[Group] = []
    # A cell that failed may not know what scored it or how precisely, so it comes last and joins what it fits.
    for record in sorted(records, key=lambda record: record["status"] != "done"):
        group = next((group for group in groups if not _differing(group, record)), None)
        if group is None:
            groups.append([record])
        else:
            group.append(record)
    return sorted(groups, key=lambda group: (_n_done(group), _newest(group)), reverse=True)


def _differing(group: Group, record: dict) -> set[str]:
    """The settings in which a record differs from a group, of those that it can know."""
    unknown = set() if record["status"] == "done" else {*EXTRACTORS, *PRECISION, "charged"}
    if record["kind"] != group[0]["kind"]:
        unknown |= {*EXTRACTORS}.union(*NOT_OF_KIND.values())
    return _differences(settings(group[0]), settings(record)) - unknown


def _differences(a: dict, b: dict) -> set[str]:
    return {name for name in a.keys() | b.keys() if a.get(name) != b.get(name)}


def _n_done(group: Group) -> int:
    return sum(record["status"] == "done" for record in group)


def _newest(group: Group) -> str:
    return max((record.get("provenance") or {}).get("timestamp_utc") or "" for record in group)


def _renamed(record: dict, number: int, main: Group) -> dict:
    name = record["cell"]["variant"]
    same_kind = next((other for other in main if other["kind"] == record["kind"]), main[0])
    differing = ", ".join(sorted(_differences(settings(same_kind), settings(record))))
    reason = f"not averaged with {name}, from which it differs in: {differing}"
    reasons = [text for text in (record.get("reason"), reason) if text]
    return record | {"cell": record["cell"] | {"variant": f"{name} [{number}]"}, "reason": "; ".join(reasons)}
