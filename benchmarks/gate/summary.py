"""gate.md: the verdict and its cause first, then the evidence, then what was not compared and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tabulate import tabulate

from benchmarks.gate import sides
from benchmarks.gate.finding import NOTHING_MEASURED, PASSED, REGRESSED, UNDECIDED, Finding, Verdict
from benchmarks.gate.run import EXACT, Outcome

TITLES = {
    PASSED: "pass",
    REGRESSED: "REGRESSION",
    UNDECIDED: "inconclusive, or in need of a blessing",
    NOTHING_MEASURED: "NOTHING WAS MEASURED",
}
SEVERITY = (Verdict.FAILED, Verdict.REGRESSION, Verdict.INCONCLUSIVE, Verdict.IMPROVEMENT)
N_WORST, N_COUNTERS = 5, 30


def markdown(outcome: Outcome) -> str:
    """The page of a gate.

    outcome: of the gate.
    """
    findings = outcome.findings
    parts = [
        f"# Gate of {outcome.preset}: {TITLES[outcome.code]}",
        cause(findings),
        f"Head is compared with {outcome.against}. It took {outcome.seconds:.0f} s.",
        _section("The worst five", _table(worst(findings)[:N_WORST])),
        _section("Identity", _identity(findings)),
        _section("Counters", _counters(findings)),
        *(_section(stage.capitalize(), _measured(findings, stage)) for stage in ("quality", "speed")),
        _section("New and vanished", _table([f for f in findings if f.quantity in (sides.NEW, sides.VANISHED)])),
        _section("Not compared", _not_compared(outcome)),
        _section("What to do", _next_steps(outcome)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def worst(findings: Iterable[Finding]) -> list[Finding]:
    """Enforced findings that do not pass, the most severe first, then the largest change."""

    def order(finding: Finding) -> tuple:
        away = abs(finding.effect - 1) if finding.effect is not None and finding.stage == "counters" else 0.0
        return SEVERITY.index(finding.verdict), -away

    bad = sorted((f for f in findings if f.enforced and f.verdict in SEVERITY), key=order)
    # A subject that failed is a finding of every stage, and one line here.
    return list({(f.subject, f.quantity, f.reason): f for f in reversed(bad)}.values())[::-1]


def cause(findings: Sequence[Finding]) -> str:
    """One sentence: the first difference, which explains the others, and the worst of what it leads to."""
    bad = worst(findings)
    first = next((f for f in findings if f.stage == "identity" and f.verdict is Verdict.INCONCLUSIVE), None)
    if not bad and first:
        return f"**{first.subject}**: {first.reason}. Its quality is inside the margin."
    if not bad:
        exact = {f.subject for f in findings if f.stage in EXACT and f.verdict is Verdict.PASS}
        passed = exact or {f.subject for f in findings if f.verdict is Verdict.PASS}
        return f"Nothing differs in {len(passed)} variants." if passed else "Nothing could be compared."
    lines, named = [], set()
    if first and bad[0].verdict is not Verdict.FAILED:
        lines.append(f"**{first.subject}**: {first.reason}.")
        named.add(first.subject)
    if bad[0] is not first or not lines:
        named.add(bad[0].subject)
        change = f" {_number(bad[0].base)} → {_number(bad[0].head)}" if bad[0].head is not None else ""
        lines.append(f"**{bad[0].subject}**: {bad[0].quantity}{change} ({bad[0].reason}).")
    others = len({finding.subject for finding in bad} - named)
    lines += [f"{others} more {'variants differ' if others > 1 else 'variant differs'}."] if others > 0 else []
    return " ".join(lines)


def _identity(findings: Sequence[Finding]) -> str:
    found = [finding for finding in findings if finding.stage == "identity"]
    equal = [finding.subject for finding in found if finding.verdict is Verdict.PASS and finding.quantity != sides.NEW]
    differs = [f"- **{f.subject}**: {f.reason}." for f in found if f.verdict is Verdict.INCONCLUSIVE]
    if not found:
        return ""
    if not differs and len(equal) == len(found):
        return f"All {len(equal)} variants are equal to the bit, so their quality is that of the base."
    named = f" ({', '.join(equal)})" if equal else ""
    return "\n".join([f"{len(equal)} of {len(found)} variants are equal to the bit{named}.", "", *differs]).strip()


def _counters(findings: Sequence[Finding]) -> str:
    found = [finding for finding in findings if finding.stage == "counters"]
    changed = [finding for finding in worst(found) if finding.head is not None or finding.base is not None]
    equal = sum(int(f.quantity.split()[0]) for f in found if f.verdict is Verdict.PASS and f.quantity != sides.NEW)
    if not found:
        return ""
    larger = sum(finding.verdict is Verdict.REGRESSION for finding in changed)
    smaller = sum(finding.verdict is Verdict.IMPROVEMENT for finding in changed)
    text = f"{equal} are equal, {larger} are larger, {smaller} are smaller."
    shown = worst(findings)[:N_WORST]
    if all(finding in shown for finding in changed):
        return text  # the table above has them all
    left = len(changed) - N_COUNTERS
    more = f"\n\n{left} more are in gate.json." if left > 0 else ""
    return text + ("\n\n" + _table(changed[:N_COUNTERS]) + more if changed else "")


def _measured(findings: Sequence[Finding], stage: str) -> str:
    """The table of a stage that measures with noise, under the smallest effect that it would have found."""
    found = [finding for finding in findings if finding.stage == stage]
    effects = [finding.detectable for finding in found if finding.detectable is not None]
    least = f"Smallest detectable effect: {max(effects):.3g} (of the noisiest comparison).\n\n" if effects else ""
    return least + _table(found) if found else ""


def _not_compared(outcome: Outcome) -> str:
    lines = [f"- {stage}: {why}." for stage, why in outcome.not_run.items()]
    grouped: dict[tuple[str, str], list[str]] = {}
    for finding in outcome.findings:
        if finding.verdict is Verdict.NOT_COMPARABLE:
            grouped.setdefault((finding.stage, finding.reason), []).append(f"{finding.subject}, {finding.quantity}")
    for (stage, reason), names in grouped.items():
        shown = "; ".join(names[:3]) + (f"; and {len(names) - 3} more" if len(names) > 3 else "")
        lines.append(f"- {stage} of {shown}: {reason}.")
    return "\n".join(lines)


def _next_steps(outcome: Outcome) -> str:
    lines = [f"- Reproduce it: `{outcome.command}`"]
    verdicts = {finding.verdict for finding in outcome.findings}
    if verdicts & {Verdict.REGRESSION, Verdict.INCONCLUSIVE, Verdict.IMPROVEMENT}:
        lines.append(f"- If the change is meant, commit it and adopt it: `{outcome.blessing}`")
    if Verdict.FAILED in verdicts:
        lines.append("- The whole error is in `measure-head.log`, beside this file.")
    lines.append("- How to read this page: docs/gate.md")
    return "\n".join(lines)


def _table(findings: Sequence[Finding]) -> str:
    if not findings:
        return ""
    heads = ("stage", "variant", "quantity", "base", "head", "verdict", "why")
    rows = [
        (f.stage, f.subject, f.quantity, _number(f.base), _number(f.head), _verdict(f), _cell(f.reason))
        for f in findings
    ]
    return tabulate(rows, heads, "pipe", disable_numparse=True)


def _verdict(finding: Finding) -> str:
    interval = "" if finding.low is None else f" ({finding.effect:.3g}, {finding.low:.3g} to {finding.high:.3g})"
    return f"{finding.verdict}{interval}{'' if finding.enforced else ', only reported'}"


def _number(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.6g}" if isinstance(value, float) else _cell(str(value))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _section(title: str, text: str) -> str:
    return f"## {title}\n\n{text}" if text else ""
