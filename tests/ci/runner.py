"""A runner of composite actions, as far as ours goes: inputs, expressions, steps, outputs, commands in the log.

It does what the documentation of GitHub Actions says, and refuses what it does not know: an expression of another
kind, a step with a key that it would have to pass over.
"""

import re
import subprocess
import tempfile
from pathlib import Path

from ruamel.yaml import YAML

EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.S)
TOKEN = re.compile(r"\s*(?:('(?:[^']|'')*')|(==|!=|&&|\|\||[(),])|([A-Za-z_][\w.-]*))")
STEP_KEYS = {"name", "id", "if", "shell", "env", "run"}


def load(path):
    return YAML(typ="safe").load(Path(path).read_text())


class Result:
    """What a run of the action leaves behind."""

    def __init__(self):
        self.code = 0
        self.outputs = {}
        self.log = ""
        self.obeyed = []
        self.path = []


class Runner:
    """Runs an action's steps with `inputs`, in `environment`, as the job's machine would."""

    def __init__(self, action, environment, github=None):
        self.file = Path(action).resolve()
        self.action = load(self.file)
        self.environment = environment
        self.github = {"server_url": "https://github.example.com", "action_repository": "", "token": "canary-job-token"}
        self.github.update(github or {})

    def run(self, **given):
        given = {name.replace("_", "-"): value for name, value in given.items()}
        declared = self.action["inputs"]
        unknown = set(given) - set(declared)
        assert not unknown, f"no such inputs: {unknown}"
        inputs = {name: given.get(name, about.get("default", "")) for name, about in declared.items()}
        context = {"inputs": inputs, "github": self.github, "steps": {}}
        result = Result()
        with tempfile.TemporaryDirectory() as directory:
            for step in self.action["runs"]["steps"]:
                unknown = set(step) - STEP_KEYS
                assert not unknown, f"this runner does not know {unknown} in a step"
                # Without a condition a step runs while none has failed.
                if result.code or not truth(evaluate(step.get("if", "true"), context)):
                    continue
                self.step(step, context, Path(directory), result)
        result.outputs = {
            name: expand(about["value"], context) for name, about in self.action["outputs"].items()
        }
        return result

    def step(self, step, context, directory, result):
        assert step["shell"] == "bash", "the one shell that we use"
        script, outputs, path = directory / "script.sh", directory / "outputs", directory / "path"
        # Expressions in the script are put into its text, as the real one does: what makes them dangerous.
        script.write_text(expand(step["run"], context))
        outputs.write_text("")
        path.write_text("")
        temp = directory / "temp"
        temp.mkdir(exist_ok=True)
        environment = dict(self.environment)
        environment.update(
            GITHUB_ACTION_PATH=str(self.file.parent),
            GITHUB_OUTPUT=str(outputs),
            GITHUB_PATH=str(path),
            RUNNER_OS="Linux",
            RUNNER_TEMP=str(temp),
            CI="true",
        )
        environment.update({name: expand(text, context) for name, text in step.get("env", {}).items()})
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        result.code = done.returncode
        result.log += done.stdout
        result.obeyed += commands(done.stdout)
        result.path += path.read_text().splitlines()
        # The rest of the work of the run: what the step has said.
        if "id" in step:
            context["steps"][step["id"]] = {"outputs": read_outputs(outputs.read_text())}


def read_outputs(text):
    """`name=value` lines, and `name<<DELIMITER` with lines up to the delimiter."""
    found, lines = {}, iter(text.splitlines())
    for line in lines:
        name, mark, delimiter = line.partition("<<")
        if mark and "=" not in name:
            value = []
            for inner in lines:
                if inner == delimiter:
                    break
                value.append(inner)
            else:
                raise AssertionError(f"the output {name} is not ended")
            found[name] = "\n".join(value)
        else:
            name, mark, value = line.partition("=")
            assert mark, f"not an output: {line!r}"
            found[name] = value
    return found


def commands(log):
    """The commands that a runner would obey: `::name …::value` at the start of a line, `##[name …]value` anywhere
    in it, and none between `::stop-commands::TOKEN` and `::TOKEN::`."""
    obeyed, deaf = [], None
    for line in log.splitlines():
        if deaf is not None:
            if line.strip() == f"::{deaf}::":
                deaf = None
            continue
        stop = re.fullmatch(r"::stop-commands::(.+)", line.strip())
        if stop:
            deaf = stop[1]
        elif re.match(r"\s*::[\w-]+.*::", line) or "##[" in line:
            obeyed.append(line)
    assert deaf is None, "the log ends with the runner deaf"
    return obeyed


def expand(text, context):
    """The text with each `${{ … }}` replaced by its value."""
    return EXPRESSION.sub(lambda found: as_text(evaluate(found[1], context)), str(text))


def as_text(value):
    return {True: "true", False: "false", None: ""}.get(value, value) if not isinstance(value, str) else value


def truth(value):
    return value not in (False, None, "")


def evaluate(text, context):
    """Names, 'texts', ==, !=, &&, || and format(): all that action.yml needs."""
    tokens, position, text = [], 0, str(text).strip()
    while position < len(text):
        found = TOKEN.match(text, position)
        assert found, f"this runner does not know the expression {text!r}"
        tokens.append(found[0].strip())
        position = found.end()
    value = either(tokens, context)
    assert not tokens, f"this runner does not know the end of {text!r}: {tokens}"
    return value


def either(tokens, context):
    value = both(tokens, context)
    while tokens and tokens[0] == "||":
        tokens.pop(0)
        other = both(tokens, context)
        value = value if truth(value) else other
    return value


def both(tokens, context):
    value = compared(tokens, context)
    while tokens and tokens[0] == "&&":
        tokens.pop(0)
        other = compared(tokens, context)
        value = other if truth(value) else value
    return value


def compared(tokens, context):
    value = single(tokens, context)
    while tokens and tokens[0] in ("==", "!="):
        same = tokens.pop(0) == "=="
        # Texts are compared without regard to case.
        value = (as_text(value).lower() == as_text(single(tokens, context)).lower()) == same
    return value


def single(tokens, context):
    token = tokens.pop(0)
    if token.startswith("'"):
        return token[1:-1].replace("''", "'")
    if token in ("true", "false"):
        return token == "true"
    if token == "format":
        return formatted(tokens, context)
    first, *rest = token.split(".")
    value = context[first]
    for name in rest:
        # An input that is not declared is a slip of ours; an output of a step that did not run is empty.
        assert first == "steps" or name in value, f"{token} is nothing"
        value = value.get(name, {}) if name != rest[-1] else value.get(name, "")
    return value


def formatted(tokens, context):
    assert tokens.pop(0) == "("
    values = [either(tokens, context)]
    while tokens[0] == ",":
        tokens.pop(0)
        values.append(either(tokens, context))
    assert tokens.pop(0) == ")"
    return values[0].format(*values[1:])
