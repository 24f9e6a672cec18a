"""What all parts of a record's schema have in common: types of values, and what training costs."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

Number = float | None  # an integer is one, too; a bool, a string, NaN and infinity are not
Text = str | None
Flag = bool | None


class Saved(BaseModel):
    """A part of a record: each value has the declared type already, and other keys are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)


class SavedCost(Saved):
    """What training has cost up to some moment."""

    flops: Number = None
    images: Number = None
    updates: Number = None
    seconds: Number = None
