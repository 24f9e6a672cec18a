"""What every stage of a paradigm has to declare, checked before it is trained: a plug-in may declare anything."""

from __future__ import annotations

import math

from torch import nn

from benchmarks.errors import BadInput, short
from paradigms.base import Paradigm, Player, Stage


def check_stages(paradigm: Paradigm) -> None:
    """Check the stages of an untrained paradigm that has observed its training images.

    Raises BadInput, which names the stage and the value, where one cannot be trained as it is declared.
    """
    name = type(paradigm).__name__
    try:
        stages = paradigm.stages()
    except NotImplementedError:
        raise BadInput(f"{name} has no method stages(); it must return a list of at least one Stage") from None
    if not isinstance(stages, list | tuple) or not stages or not all(isinstance(one, Stage) for one in stages):
        raise BadInput(f"{name}.stages() = {short(stages)}; must be a list of at least one Stage")
    known: set[str] = set()
    for stage in stages:
        where = f"{name}, stage {short(stage.name)}"
        if not isinstance(stage.name, str) or not stage.name or stage.name in known:
            raise BadInput(f"{where}: the name must be a text that no other stage has, since seeds depend on it")
        known.add(stage.name)
        _check(where, stage, _claims(stage))
        for number, player in enumerate(stage.players):
            _check(where if player is stage else f"{where}, rival {number}", player, _claims_of_player(player))


def _check(where: str, declared: Player | Stage, claims: list[tuple[str, str, bool]]) -> None:
    for what, wanted, holds in claims:
        if not holds:
            raise BadInput(f"{where}: {what} = {short(getattr(declared, what))}; must be {wanted}")


def _claims(stage: Stage) -> list[tuple[str, str, bool]]:
    """(field, what is allowed, whether it is that) of every field that only a stage has."""
    rivals, follow = stage.rivals, stage.after_update
    return [
        ("rivals", "a list of Player", isinstance(rivals, list | tuple) and all(isinstance(r, Player) for r in rivals)),
        ("after_update", "None or a function", follow is None or callable(follow)),
        ("share", "a finite number above 0", _number(stage.share) and 0 < stage.share < math.inf),
        ("batch_size", "an integer of at least 1", type(stage.batch_size) is int and stage.batch_size >= 1),
        ("ema_decay", "None or a number in [0, 1]", stage.ema_decay is None or _fraction(stage.ema_decay)),
        *((what, "a function", callable(getattr(stage, what))) for what in ("schedule", "begin")),
    ]


def _claims_of_player(player: Player | Stage) -> list[tuple[str, str, bool]]:
    """The same of the fields that every player has."""
    parameters = list(player.parameters)
    return [
        ("parameters", "a list of at least one parameter", bool(parameters) and all(map(_is_parameter, parameters))),
        ("clip_norm", "None or a number above 0", player.clip_norm is None or _above_0(player.clip_norm)),
        ("turns", "an integer of at least 1", type(player.turns) is int and player.turns >= 1),
        *((what, "a function", callable(getattr(player, what))) for what in ("loss", "optimizer")),
    ]


def _is_parameter(value: object) -> bool:
    return isinstance(value, nn.Parameter)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _above_0(value: object) -> bool:
    return _number(value) and value > 0


def _fraction(value: object) -> bool:
    return _number(value) and 0 <= value <= 1
