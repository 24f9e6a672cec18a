"""Marks on scores that are not what they seem: one place decides them, from the numbers of a record alone.

It imports neither torch nor the scoring code, so that a report can mark records, older ones too. A rule whose numbers
a record lacks marks nothing.

mark                        condition                                                  honest chains of the project
hidden evaluations          flops_ratio or weight_uses above 1.5, or FLOPs at NFE 0    1.00 for both
starts from data            change_by_exchange above 0.001                             at most 0.00003
                            change_by_removal above 0.05                               at most 0.00003
                            from_noise is false                                        true
copies training images      copied_share above 0.5; without it, memorisation_ratio     at most 0.02; at least 0.91
                            below 0.5 with memorisation above 0.95                     at most 0.61

Held-out images have a copied_share of 0.01 by definition; 0.6 % of the held-out digits are nearer to a training image
than half of the mean distance. Training images have a copied_share of 1, also with noise of 6 % of the grey levels.
"""

from __future__ import annotations

HIDDEN, FROM_DATA, COPIES = "hidden evaluations", "starts from data", "copies training images"
MARKS = (HIDDEN, FROM_DATA, COPIES)

MAX_WORK = 1.5  # halfway between nothing hidden and one hidden evaluation per counted one
MAX_EXCHANGE = 1e-3  # of a chain that starts at 2 % of data and 98 % of noise; statistics of the images do not change
MAX_REMOVAL = 0.05  # of a chain that starts at 16 % of data; covariances of a few hundred images change by 0.01
MAX_COPIED = 0.5  # most of the samples; 50 times the share of held-out images
MIN_DISTANCE, MAX_NEARER = 0.5, 0.95


def marks(quality: dict) -> list[dict]:
    """The marks of a record's `quality`: {"mark", "sampler", "nfe", "why"}, in the order of its samples.

    mark: one of MARKS. sampler, nfe: the row, with the requested NFE; nfe is None where all rows of the sampler are
    meant. why: one sentence with the numbers.
    """
    found = []
    for entry in quality.get("samples") or []:
        row = {"sampler": entry["sampler"], "nfe": entry.get("nfe_asked", entry["nfe"])}
        for mark, why in ((HIDDEN, _hidden(entry)), (FROM_DATA, _from_data(entry)), (COPIES, _copies(entry))):
            found += [{"mark": mark, **row, "why": why}] if why else []
    return found + _first_states(quality.get("mismatch") or {})


def _hidden(entry: dict) -> str | None:
    nfe, flops, uses = entry["nfe"], entry.get("flops_ratio") or 0, entry.get("weight_uses") or 0
    if not nfe and entry.get("flops_per_sample"):
        return f"A sample takes {entry['flops_per_sample']:.3g} FLOPs and no counted evaluation."
    if flops > MAX_WORK:
        return f"A sample takes {flops:.3g} times the FLOPs of its counted evaluations ({nfe:g} NFE)."
    if uses > MAX_WORK:
        return f"A counted evaluation ({nfe:g} NFE) uses the weights of the link {uses:.3g} times."
    return None


def _from_data(entry: dict) -> str | None:
    exchange, removal = entry.get("change_by_exchange") or 0, entry.get("change_by_removal") or 0
    if exchange <= MAX_EXCHANGE and removal <= MAX_REMOVAL:
        return None
    return (
        "With equal noise and weights, the samples change by a share of the variance of the images: "
        f"{exchange:.2g} when the observed training images are exchanged, {removal:.2g} when the nearest are removed."
    )


def _copies(entry: dict) -> str | None:
    copied, ratio, nearer = (entry.get(key) for key in ("copied_share", "memorisation_ratio", "memorisation"))
    if copied is not None:
        nearest = f"{copied:.0%} of the samples are nearer to a training image than 99 % of the test images are."
        return nearest if copied > MAX_COPIED else None
    if ratio is None or nearer is None or ratio >= MIN_DISTANCE or nearer <= MAX_NEARER:
        return None
    return (
        f"The distance of the samples to the nearest training image is {ratio:.2g} times that of test images, and "
        f"{nearer:.0%} of them are nearer than the median test image."
    )


def _first_states(mismatch: dict) -> list[dict]:
    """The mark of a sampler whose first link is fed data, as the diagnosis of the mismatch finds it."""
    start = mismatch.get("start") or {}
    if start.get("from_noise") is not False:
        return []
    tested = f"At {mismatch.get('nfe')} evaluations, the first link is fed states that "
    accuracy = start.get("accuracy")
    if start.get("moves_with_data"):
        why = "change with the observed training data."
    elif accuracy is not None and accuracy <= 0.75:
        why = f"a classifier distinguishes from the data with an accuracy of only {accuracy:.2f}."
    else:
        why = "have another distribution than the noise that training ends at."
    return [{"mark": FROM_DATA, "sampler": mismatch.get("sampler"), "nfe": None, "why": tested + why}]
