"""What stands in deploy/ and docs/broker.md, read: for the tests of it."""

import json
import re

import yaml as pyyaml
from examples import BLOCK
from world import JIRA, ROOT, run

DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
PAGE = "docs/broker.md"


def documents(path):
    """As Kubernetes reads it: with YAML 1.1, in which 0440 is a number in base eight."""
    return list(pyyaml.safe_load_all(path.read_text()))


def manifests():
    """Every object of deploy/kubernetes with the file that it is in."""
    for path in sorted(KUBERNETES.glob("*.yaml")):
        if path.name != "kustomization.yaml":
            for document in documents(path):
                yield path.name, document


def one(kind, name):
    """The object of that kind and name."""
    (found,) = [each for _, each in manifests() if each["kind"] == kind and each["metadata"]["name"] == name]
    return found


def workloads():
    """What makes pods."""
    return [each for _, each in manifests() if each["kind"] in ("Deployment", "StatefulSet")]


def pod(workload):
    """What its pods are."""
    return workload["spec"]["template"]["spec"]


def schema(*command):
    """`jira schema …`"""
    done = run([JIRA, "schema", *command])
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def variables():
    """Every variable that `jira` reads."""
    names = set()
    for each in schema()["variables"]:
        names.add(each["name"])
        if "file" in each:
            names.add(each["file"])
    return names


def table(header, page=PAGE):
    """The rows below the table's header, each as its cells."""
    lines = iter((ROOT / page).read_text().splitlines())
    for line in lines:
        if line == header:
            next(lines)
            rows = []
            for row in lines:
                if not row.startswith("|"):
                    return rows
                rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]])
    raise AssertionError(f"{page} has no table {header}")


def code(cell):
    """What stands between backquotes."""
    return re.findall(r"`([^`]+)`", cell)


def wire_codes():
    """The broker's error codes with their status and their seconds of Retry-After, as src/auth/wire.rs has them."""
    text = (ROOT / "src/auth/wire.rs").read_text()
    rows = re.findall(r'^\s+\w+\s+"(\w+)"\s+(\d{3}) (None|Some\((\d+)\)),', text, re.M)
    assert len(rows) > 10
    return {word: (int(status), int(seconds) if seconds else None) for word, status, _, seconds in rows}


def diagrams(page=PAGE):
    """The Mermaid blocks."""
    return [text for kind, text in BLOCK.findall((ROOT / page).read_text()) if kind == "mermaid"]
