"""What all parts of a record's schema have in common: types of values, and what training costs."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Number = float | None  # an integer is one, too; a bool, a string, NaN and infinity are not
Text = str | None
Flag = bool | None
# A part of a file's name: a record of another folder must not lead a reader or a writer out of its own.
FileName = Annotated[str, Field(pattern=r"^[^/\\\x00-\x1f]{1,100}$")]
FolderName = Annotated[str, Field(pattern=r"^[^/\\\x00-\x1f.][^/\\\x00-\x1f]{0,249}$")]


class Saved(BaseModel):
    """A part of a record: each value has the declared type already, and other keys are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)


class SavedCost(Saved):
    """What training has cost up to some moment."""

    flops: Number = None
    images: Number = None
    updates: Number = None
    seconds: Number = None
