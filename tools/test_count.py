"""A report of tests is no proof until somebody has counted: `python tools/test_count.py REPORT.xml --least N …`.

Fails when fewer tests have passed than there should be, when more were skipped than is known, when anything failed, and
when a test that must have run (by a part of its name) did not.
"""

import argparse
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def faults(report: Path, least: int, most_skipped: int, must: list[str]) -> list[str]:
    """Sentences; empty when the report proves what it should. `must`: parts of names of tests that have to pass."""
    try:
        cases = list(ElementTree.parse(report).iter("testcase"))  # noqa: S314 our own report
    except (OSError, ElementTree.ParseError) as error:
        return [f"there is no report of tests: {error}"]
    bad = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    skipped = [case for case in cases if case.find("skipped") is not None]
    passed = [case for case in cases if case not in bad and case not in skipped]
    names = [f"{case.get('classname')}.{case.get('name')}" for case in passed]
    print(f"{len(passed)} passed, {len(skipped)} skipped, {len(bad)} failed")
    for case in skipped:
        told = case.find("skipped")
        print(f"  not run: {case.get('name')}: {told.get('message') if told is not None else ''}")
    found = [f"{case.get('name')} failed" for case in bad]
    if len(passed) < least:
        found.append(f"only {len(passed)} tests have passed, at least {least} should")
    if len(skipped) > most_skipped:
        found.append(f"{len(skipped)} tests were not run, at most {most_skipped} may be left out")
    found += [
        f"no test with {part!r} in its name has passed" for part in must if not any(part in name for name in names)
    ]
    return found


def main(arguments: list[str] | None = None) -> int:
    """0 when the report proves what it should."""
    top = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    top.add_argument("report", type=Path)
    top.add_argument("--least", type=int, required=True, help="tests that have to pass")
    top.add_argument("--most-skipped", type=int, required=True)
    top.add_argument("--must", action="append", default=[], help="part of the name of a test that has to pass")
    options = top.parse_args(arguments)
    found = faults(options.report, options.least, options.most_skipped, options.must)
    for fault in found:
        print(fault)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
