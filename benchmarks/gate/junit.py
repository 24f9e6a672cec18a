"""junit.xml of a gate: one test case per finding, for the tables of CI systems."""

from __future__ import annotations

from xml.etree import ElementTree

from benchmarks.gate.finding import Verdict
from benchmarks.gate.run import Outcome

FAILS = (Verdict.REGRESSION, Verdict.FAILED)


def xml(outcome: Outcome) -> bytes:
    """The test suite as XML: a regression fails, whatever is undecided or only reported is skipped with its reason.

    outcome: of the gate.
    """
    suite = ElementTree.Element("testsuite", name=f"gate {outcome.preset}", time=f"{outcome.seconds:.1f}")
    counts = {"tests": 0, "failures": 0, "skipped": 0}
    for finding in outcome.findings:
        place = f"gate.{finding.stage}.{finding.subject}"
        case = ElementTree.SubElement(suite, "testcase", classname=place, name=finding.quantity)
        counts["tests"] += 1
        if finding.verdict is Verdict.PASS:
            continue
        kind = "failure" if finding.verdict in FAILS and finding.enforced else "skipped"
        counts["failures" if kind == "failure" else "skipped"] += 1
        change = "" if finding.head is None else f"{finding.base} -> {finding.head}: "
        ElementTree.SubElement(case, kind, message=f"{finding.verdict}: {change}{finding.reason}")
    for stage, why in outcome.not_run.items():
        case = ElementTree.SubElement(suite, "testcase", classname=f"gate.{stage}", name=stage)
        counts["tests"] += 1
        counts["skipped"] += 1
        ElementTree.SubElement(case, "skipped", message=why)
    suite.attrib |= {name: str(count) for name, count in counts.items()}
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True)
