"""action.yml as a runner runs it: with a commit message that would like to be more than text."""

import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

from runner import Runner, commands, load
from world import CLEAN, JIRA, ROOT, Sandbox, run

ACTION = ROOT / "action.yml"
# What an option of `run` has instead of an input of its name.
NO_INPUT = {
    "help": "it does nothing",
    "output": "the action reads JSON, and so do those who read its output",
    "no-color": "JSON has none",
    "no-input": "nobody is there, as CI says",
}
HOSTILE = """Move GAIA-10 along: $(touch pwned) `touch pwned` "; touch pwned; echo "
'; touch pwned; echo ' ${{ github.token }} $((1+1)) $HOME \\ %s !!
::set-output name=report::pwned
##[set-output name=exit-code]pwned
report<<EOF
EOF
"""


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.home = Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.home)
        cls.sandbox = Sandbox(cls.home)
        cls.addClassCleanup(cls.sandbox.close)

    def setUp(self):
        self.directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.directory)

    def environment(self, **more):
        return {**CLEAN, "HOME": str(self.directory), **more}

    def basic(self, **more):
        return {
            "binary": JIRA,
            "base_url": self.sandbox.base_url,
            "username": "developer",
            "password": "developer",
            **more,
        }

    def nothing_was_executed(self):
        for place in (self.directory, ROOT, self.home):
            self.assertFalse((place / "pwned").exists(), place)


class Inputs(Case):
    def options(self):
        help_text = run([JIRA, "run", "--help"], env=CLEAN).stdout
        return set(re.findall(r"^ +(?:-\w, )?--([a-z-]+)", help_text, re.M))

    def test_every_option_of_run_is_an_input(self):
        options = self.options()
        self.assertGreater(len(options), 20)
        inputs = set(load(ACTION)["inputs"])
        self.assertEqual(options - inputs, set(NO_INPUT), "an option without an input, or with one and excused")

    def test_every_input_gets_to_the_program_as_it_is_and_by_a_variable_that_it_reads(self):
        known = set(re.findall(r'^    \w+ "(\w+)" ', (ROOT / "src/config/env.rs").read_text(), re.M))
        # INPUT_<FLAG> stands in for any flag of an operation.
        known |= {"INPUT_" + option.upper().replace("-", "_") for option in self.options()}
        names = [name for name in load(ACTION)["inputs"] if name not in ("binary", "version", "from", "sha256", "require-attestation")]
        stub = self.directory / "stub"
        stub.write_text('#!/bin/sh\nenv -0 >seen\nprintf "%s\\n" "$@" >arguments\necho "{}"\n')
        stub.chmod(0o755)
        values = {name: f"{name} {HOSTILE}" for name in names}
        result = Runner(ACTION, self.environment()).run(binary=str(stub), **values)
        self.assertEqual(result.code, 0, result.log)
        self.assertEqual((self.directory / "arguments").read_text(), "run\n--output\njson\n")
        seen = dict(entry.split("=", 1) for entry in (self.directory / "seen").read_text().split("\0") if entry)
        own = {"refresh-token": "JIRA_OAUTH_REFRESH_TOKEN", "master-password": "JIRA_MASTER_PASSWORD"}
        for name in names:
            variable = own.get(name, "INPUT_" + name.upper().replace("-", "_"))
            self.assertIn(variable, known)
            self.assertEqual(seen[variable], values[name])
        secrets = [name for name in seen if name.startswith("ACTION_") and name != "ACTION_BINARY"]
        self.assertEqual(secrets, [], "what a rotation command would inherit")
        self.nothing_was_executed()

    def test_an_empty_input_leaves_the_variables_of_the_job_alone(self):
        environment = self.environment(
            JIRA_BASE_URL=self.sandbox.base_url, JIRA_USERNAME="developer", JIRA_PASSWORD="developer", OUTPUT="text"
        )
        result = Runner(ACTION, environment).run(binary=JIRA, ref="GAIA-11")
        self.assertEqual(result.code, 0, result.log)
        self.assertEqual(json.loads(result.outputs["report"])["issues"][0]["key"], "GAIA-11")

    def test_no_input_is_pasted_into_a_script(self):
        for step in load(ACTION)["runs"]["steps"]:
            self.assertNotIn("${{", step["run"])


class Running(Case):
    def test_a_hostile_commit_message_is_text_from_end_to_end(self):
        result = Runner(ACTION, self.environment()).run(
            **self.basic(ref=HOSTILE, comment=HOSTILE, to_transition="In Progress", projects="GAIA")
        )
        self.assertEqual(result.code, 0, result.log)
        self.nothing_was_executed()
        report = json.loads(result.outputs["report"])
        self.assertEqual([issue["key"] for issue in report["issues"]], ["GAIA-10"])
        self.assertEqual(result.outputs["exit-code"], "0")
        self.assertIn(HOSTILE.strip(), [body.replace("\r\n", "\n").strip() for body in self.sandbox.comments("GAIA-10")])
        self.assertEqual(self.sandbox.status("GAIA-10"), "In Progress")
        self.assertEqual(result.obeyed, [])

    def test_a_failure_fails_the_step_and_has_its_report_all_the_same(self):
        result = Runner(ACTION, self.environment()).run(**self.basic(ref="GAIA-9999", comment="x"))
        self.assertEqual((result.code, result.outputs["exit-code"]), (5, "5"))
        report = json.loads(result.outputs["report"])
        self.assertEqual(report["issues"][0]["requested_key"], "GAIA-9999")
        result = Runner(ACTION, self.environment()).run(**self.basic())
        self.assertEqual((result.code, result.outputs["exit-code"]), (2, "2"), "no text at all")
        self.assertEqual(result.outputs["report"].strip(), "")

    def test_the_runner_does_not_obey_what_the_report_and_the_error_say(self):
        name = "##[set-output name=exit-code]0"
        result = Runner(ACTION, self.environment()).run(**self.basic(ref="GAIA-12", to_transition=name))
        self.assertNotEqual(result.code, 0)
        self.assertIn("##[set-output", result.log, "it is in the log")
        self.assertEqual(result.obeyed, [], "and is not obeyed there")
        self.assertEqual(result.outputs["exit-code"], str(result.code))
        self.assertEqual(len(commands(f"x {name}\n  ::add-mask::x\nplain")), 2, "else it would be")

    def test_what_the_program_prints_cannot_end_the_output(self):
        stub = self.directory / "stub"
        text = "report_\nEOF\nexit-code=0\nreport<<EOF\npwned\nEOF"
        stub.write_text(f"#!/bin/sh\ncat <<'X'\n{text}\nX\nexit 6\n")
        stub.chmod(0o755)
        result = Runner(ACTION, self.environment()).run(binary=str(stub))
        self.assertEqual(result.outputs["report"].strip(), text)
        self.assertEqual((result.code, result.outputs["exit-code"]), (6, "6"))

    def test_a_refresh_token_is_spent_once_and_its_successor_handed_over(self):
        token, target = self.sandbox.refresh_token(), self.directory / "next"
        inputs = {
            "binary": JIRA,
            "base_url": self.sandbox.base_url,
            "client_id": self.sandbox.client_id,
            "refresh_token": token,
            "refresh_token_output": str(target),
            "rotation_command": "cat >rotated; env >environment",
            "ref": "GAIA-14",
        }
        result = Runner(ACTION, self.environment()).run(**inputs)
        self.assertEqual(result.code, 0, result.log)
        successor = target.read_text()
        self.assertNotEqual(successor, token)
        self.assertEqual((self.directory / "rotated").read_text(), successor)
        self.assertNotIn(token, (self.directory / "environment").read_text())
        for secret in (token, successor):
            self.assertNotIn(secret, result.log)
        inputs["refresh_token"] = successor
        self.assertEqual(Runner(ACTION, self.environment()).run(**inputs).code, 0, "the next job")
        again = Runner(ACTION, self.environment()).run(**{**inputs, "refresh_token_output": "", "rotation_command": ""})
        self.assertEqual(again.code, 2, "nothing says where the successor goes")

    def test_the_token_of_the_job_does_not_get_to_the_program(self):
        stub = self.directory / "stub"
        stub.write_text("#!/bin/sh\nenv\n")
        stub.chmod(0o755)
        result = Runner(ACTION, self.environment()).run(binary=str(stub))
        self.assertIn("INPUT_REF", result.log)
        self.assertNotIn("canary-job-token", result.log)


class Installing(Case):
    """The steps from the first: the program is packed as it is released, installed, and run."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        machine = {"x86_64": "x86_64", "aarch64": "arm64"}[os.uname().machine]
        cls.version = run([JIRA, "version"]).stdout.split()[2]
        program = cls.home / "jira"
        # Without what a debugger needs, which is nine tenths of it.
        done = run(["strip", "-o", program, JIRA])
        assert done.returncode == 0, done.stderr
        place = cls.home / "release" / f"v{cls.version}"
        done = run([sys.executable, ROOT / ".github/package.py", f"linux-{machine}", program, place])
        assert done.returncode == 0, done.stderr
        cls.archive = next(place.glob("*.tar.gz"))
        cls.sum = hashlib.sha256(cls.archive.read_bytes()).hexdigest()
        (place / "SHA256SUMS").write_text(f"{cls.sum}  {cls.archive.name}\n")
        cls.source = f"file://{cls.home}/release"

    def inputs(self, **more):
        return {**self.basic(binary="", ref="GAIA-15"), "from": self.source, **more}

    def test_the_program_is_installed_and_run_and_in_the_path_of_later_steps(self):
        result = Runner(ACTION, self.environment()).run(**self.inputs(sha256=self.sum, version=self.version))
        self.assertEqual(result.code, 0, result.log)
        self.assertEqual(json.loads(result.outputs["report"])["issues"][0]["key"], "GAIA-15")
        self.assertEqual(len(result.path), 1)
        self.assertIn(f"installed jira {self.version}: {result.path[0]}/jira", result.log)

    def test_what_cannot_be_verified_does_not_run(self):
        for more, why in (
            ({"sha256": "0" * 64}, "not what --sha256 says"),
            ({"require_attestation": "true"}, "provenance cannot be verified"),
            ({"require_attestation": "maybe"}, "true or false"),
            ({"from": "http://mirror.example.com"}, "--from"),
            ({"from": "$(touch pwned)"}, "--from"),
            ({"version": "1.0; touch pwned"}, "--version is a version"),
            ({"from": ""}, "--from is required"),
        ):
            with self.subTest(more=more):
                result = Runner(ACTION, self.environment()).run(**self.inputs(**more))
                self.assertNotEqual(result.code, 0)
                self.assertIn(why, result.log)
                self.assertEqual(result.outputs, {"report": "", "exit-code": ""})
                self.assertEqual(result.path, [])
        self.nothing_was_executed()

    def test_the_releases_of_the_repository_of_the_action_are_the_source(self):
        github = {"server_url": "file:///nowhere", "action_repository": "owner/name"}
        result = Runner(ACTION, self.environment(), github).run(**{**self.inputs(), "from": ""})
        wanted = f"file:///nowhere/owner/name/releases/download/v{self.version}/SHA256SUMS cannot be read"
        self.assertIn(wanted, result.log)


if __name__ == "__main__":
    unittest.main()
