"""Compares what junitparser counts in every junit.xml below a folder with what the reports say they hold."""

import collections
import json
import pathlib
import sys

import junitparser


class Wrong(Exception):
    """A report that a reader would take for something else than it is."""


def demand(holds, otherwise):
    """An assertion that python3 -O does not switch off."""
    if not holds:
        raise Wrong(otherwise)


def counted(path):
    """The cases of a report by what junitparser makes of them, and the counts in its properties."""
    suites = list(junitparser.JUnitXml.fromfile(str(path)))
    demand(len(suites) == 1, f"{path}: {len(suites)} suites, there should be one for the device")
    suite = suites[0]
    cases = collections.Counter(kind(case) for case in suite)
    attributes = {"failed": suite.failures, "error": suite.errors, "skipped": suite.skipped}
    for name, number in attributes.items():
        demand(number == cases[name], f"{path}: the suite says {number} {name}, its cases say {cases[name]}")
    demand(suite.tests == cases.total(), f"{path}: the suite says {suite.tests} tests, it has {cases.total()}")
    prefix = "count."
    properties = {p.name.removeprefix(prefix): int(p.value) for p in suite.properties() if p.name.startswith(prefix)}
    return cases, properties


def kind(case):
    """What a reader takes a case for; every failure, error and skip must give its reason twice."""
    if not case.result:
        return "passed"
    (result,) = case.result
    demand(result.message and result.text, f"{case.name}: a {type(result).__name__} without a reason")
    kinds = {junitparser.Failure: "failed", junitparser.Error: "error", junitparser.Skipped: "skipped"}
    return kinds[type(result)]


def same(path, cases, counts):
    """JUnit has no word for a known issue; it is counted among the skipped."""
    expected = dict(counts)
    expected["skipped"] += expected.pop("known_issue")
    found = {name: cases[name] for name in expected}
    demand(found == expected, f"{path}: junitparser counts {found}, the report says {expected}")


def main(folder):
    seen = set()
    for path in sorted(folder.rglob("junit.xml")):
        cases, properties = counted(path)
        same(path, cases, properties)
        seen.add(path.parent.resolve())
    summary = folder / "summary.json"
    if summary.exists():
        for device in json.loads(summary.read_text())["devices"]:
            path = folder / device["path"]
            demand(path.resolve() in seen, f"{summary} names {path}, which has no junit.xml")
            same(path, counted(path / "junit.xml")[0], device["counts"])


if __name__ == "__main__":
    try:
        main(pathlib.Path(sys.argv[1]))
    except (Wrong, junitparser.JUnitXmlError) as error:
        sys.exit(f"junit-accepts: {error}")
