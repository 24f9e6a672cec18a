"""A talk about results folders: slides with their notes, the figures and animations of the report, and a handout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import BadInput, nearest
from benchmarks.report.figures import style
from benchmarks.report.languages import ENGLISH, say
from benchmarks.report.talk import files, fonts, handout, slides
from benchmarks.report.talk.parts import Film, Slide, SlideFigure
from benchmarks.report.talk.runs import Runs, SlideRun

FOLDER = "figures"


@dataclass(frozen=True)
class Talk:
    """What was written. deck: the file. shown: names of its slides. said: one line for each thing that is left out."""

    deck: Path
    shown: list[str]
    said: list[str]


def write(
    folders: Sequence[Path], out: Path, look: str = "light", language: str = ENGLISH, only: Sequence[str] = ()
) -> Talk:
    """Write talk.pptx, talk.pdf and figures/ into `out` from the records of results folders.

    look: name of the theme. language: of `languages.known()`. only: names of slides; empty for all.
    Raises BadInput where there are no records, a slide is unknown, none has its data, or `out` cannot be written.
    """
    wanted = _wanted(only)
    font = fonts.installed(language)
    fontless = language != ENGLISH and language in fonts.FAMILIES and font is None
    with style.context(look, language, font):
        runs = Runs.of(folders, ENGLISH if fontless else language)
        made = {name: module.slide(runs) for name, module in wanted.items()}
        kept = {name: slide for name, slide in made.items() if slide is not None}
        said = [f"slide {name} is left out: no run holds {wanted[name].NEEDS}" for name in made if name not in kept]
        for name in _spare(kept, wanted):
            del kept[name]
            said.append(f"slide {name} is left out of a talk of {slides.MOST}; write it with: --only {name}")
        if not kept:
            raise BadInput(f"{'; '.join(said)}: a talk needs at least one slide")
        if fontless:
            said.append(
                f"figures are in English and talk.pdf is left out: no font for {language} is installed, such as "
                f"{fonts.FAMILIES[language][0]}"
            )
        try:
            deck = _write(kept, out, fonts.ON_SLIDES.get(language), with_handout=not fontless)
        except OSError as error:
            raise BadInput(f"folder {out}: cannot write the talk: {error.strerror}") from None
    return Talk(deck, list(kept), said)


def _wanted(only: Sequence[str]) -> dict:
    found = slides.found()
    for name in only:
        if name not in found:
            raise BadInput(f"--only {name!r}: no such slide; allowed: {', '.join(found)}{nearest(name, found)}")
    return {name: module for name, module in found.items() if not only or name in only}


def _spare(kept: dict[str, Slide], wanted: dict) -> list[str]:
    """The slides to leave out, since there are more than a talk has time for."""
    spare = [name for name in kept if getattr(wanted[name], "SPARE", False)]
    return spare[: max(0, len(kept) - slides.MOST)]


def _write(kept: dict[str, Slide], out: Path, east_asian: str | None, with_handout: bool) -> Path:
    from benchmarks.report.talk.deck import Deck  # takes long to import

    (out / FOLDER).mkdir(parents=True, exist_ok=True)
    shown, printed = _figures(kept, out / FOLDER)
    deck, sources = Deck(east_asian), [source(slide.run) for slide in kept.values()]
    for slide, where in zip(kept.values(), sources, strict=True):
        deck.add(slide, shown, where, notes(slide))
    deck.save(out / "talk.pptx")
    if with_handout:
        handout.write(list(kept.values()), printed, sources, out / "talk.pdf")
    return out / "talk.pptx"


def _figures(kept: dict[str, Slide], folder: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    """The files of the pictures and films, by name: on the slides, and in print."""
    shown, printed = {}, {}
    for part in (part for slide in kept.values() for part in slide.parts):
        if isinstance(part, SlideFigure):
            shown[part.name] = printed[part.name] = files.write_picture(part, folder)
        elif isinstance(part, Film):
            shown[part.name] = files.write_film(part, folder)
            printed[part.name] = folder / f"{part.name}_strip.png"
    return shown, printed


def source(run: SlideRun) -> str:
    """Where a slide's numbers come from, in one line."""
    return say("Source: {folder}, {data}, {n}", folder=run.folder.as_posix(), data=run.dataset, n=run.n)


def notes(slide: Slide) -> list[str]:
    """What the speaker says, then how the numbers were made."""
    run = slide.run
    lines = [*slide.speech, "", say("Command: {command}", command=run.command)]
    lines += [
        say("Commit of the records: {commits}", commits=run.commits),
        say("Hardware: {machine}", machine=run.machine),
    ]
    lines += [say("n: {n}", n=run.n)]
    if slide.estimates:
        lines += [say("Numbers with their 95 % t intervals (mean ± half of the interval):"), *slide.estimates]
    return lines + ([say("Caption: {caption}", caption=slide.caption)] if slide.caption else [])
