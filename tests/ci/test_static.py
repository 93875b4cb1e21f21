"""What can be seen without running anything: schemas, linters, and the rules of our own."""

import re
import subprocess
import tempfile
import tomllib
import unittest
from pathlib import Path

import examples
from world import JIRA, ROOT, TOOLS, run

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
SHELL = ["install.sh", "tests/run", ".ci/run", *(str(path.relative_to(ROOT)) for path in (ROOT / "tests/ci").glob("*.sh"))]
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")


def shellcheck(text, shell, *options):
    return run(["shellcheck", "--norc", "--shell", shell, *options, "-"], input=text)


def interpolated(tree):
    """The scripts that have a value pasted into them before they run."""
    return [where for where, text in examples.scripts(tree) if "${{" in text]


def unpinned(tree):
    """The actions whose code somebody can exchange."""
    found = []
    for job in tree.get("jobs", {}).values():
        used = [step.get("uses") for step in job.get("steps", [])]
        found += [name for name in used if name and not PINNED.fullmatch(name)]
    return found


class Schemas(unittest.TestCase):
    def check(self, schema, *files):
        done = run([TOOLS / "check-jsonschema", "--builtin-schema", f"vendor.{schema}", *files])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_action_workflows_and_dependabot_are_what_their_schemas_say(self):
        self.check("github-actions", ROOT / "action.yml")
        self.check("github-workflows", *WORKFLOWS)
        self.check("dependabot", ROOT / ".github/dependabot.yml")

    def test_the_examples_are_what_their_schemas_say(self):
        found = examples.named()
        self.assertLessEqual(
            {".github/workflows/jira.yml", ".gitea/workflows/jira.yml", ".gitlab-ci.yml", "Jenkinsfile", "ci/jira.sh"},
            set(found),
        )
        with tempfile.TemporaryDirectory() as directory:
            for name, text in found.items():
                if not name.endswith(".yml"):
                    continue
                path = Path(directory) / name.replace("/", "-")
                path.write_text(text)
                self.check("gitlab-ci" if "gitlab" in name else "github-workflows", path)
            (short,) = examples.blocks("README.md", "yaml")
            path = Path(directory) / "readme.yml"
            path.write_text(short)
            self.check("github-workflows", path)

    def test_the_inputs_of_the_examples_are_inputs_of_the_action(self):
        inputs = set(examples.yaml((ROOT / "action.yml").read_text())["inputs"])
        pages = [*examples.blocks("README.md", "yaml"), *examples.blocks("docs/ci.md", "yaml")]
        seen = 0
        for tree in map(examples.yaml, pages):
            for job in tree.get("jobs", {}).values():
                for step in job["steps"]:
                    if "jira-oauth@" in step.get("uses", ""):
                        self.assertLessEqual(set(step["with"]), inputs)
                        seen += 1
        self.assertEqual(seen, 3)

    def test_a_schema_refuses_what_is_wrong(self):
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "action.yml"
            path.write_text((ROOT / "action.yml").read_text().replace("using: composite", "using: composed"))
            with self.assertRaises(AssertionError):
                self.check("github-actions", path)

    def test_zizmor_finds_nothing_in_action_and_workflows(self):
        done = run([TOOLS / "zizmor", "--offline", "--no-progress", "--color=never", "action.yml", ".github"], cwd=ROOT)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Scripts(unittest.TestCase):
    def test_every_script_passes_shellcheck(self):
        for name in SHELL:
            # Called by the name of a step, which it does not see: "never called" under two numbers.
            done = run(["shellcheck", "--norc", "--exclude=SC2317,SC2329", name], cwd=ROOT)
            self.assertEqual(done.returncode, 0, f"{name}:\n{done.stdout}")

    def test_scripts_inside_of_yaml_pass_shellcheck(self):
        trees = {path.name: (examples.yaml(path.read_text()), "bash") for path in [ROOT / "action.yml", *WORKFLOWS]}
        for name, text in examples.named().items():
            if name.endswith(".yml"):
                trees[name] = (examples.yaml(text), "sh")
        seen = 0
        for name, (tree, shell) in trees.items():
            for where, text in examples.scripts(tree):
                done = shellcheck(text, shell)
                self.assertEqual(done.returncode, 0, f"{name}{where}:\n{done.stdout}")
                seen += 1
        self.assertGreater(seen, 20)

    def test_the_script_for_jenkins_passes_shellcheck(self):
        done = shellcheck(examples.named()["ci/jira.sh"], "sh")
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_shells_can_read_what_runs_in_them(self):
        for shell in (["dash"], ["busybox", "ash"]):
            done = run([*shell, "-n", "install.sh"], cwd=ROOT)
            self.assertEqual(done.returncode, 0, done.stderr)
        for name in ("tests/run", ".ci/run"):
            self.assertEqual(run(["bash", "-n", name], cwd=ROOT).returncode, 0, name)


class Rules(unittest.TestCase):
    def test_no_value_is_pasted_into_a_script(self):
        for path in [ROOT / "action.yml", *WORKFLOWS]:
            self.assertEqual(interpolated(examples.yaml(path.read_text())), [], path.name)
        for page in ("docs/ci.md", "README.md"):
            found = examples.blocks(page, "yaml")
            self.assertTrue(found, page)
            for text in found:
                self.assertEqual(interpolated(examples.yaml(text)), [], text)

    def test_a_pasted_value_is_noticed(self):
        for text in (
            "steps: [{run: 'jira run --ref \"${{ github.event.head_commit.message }}\"'}]",
            "with: {rotation-command: 'gh secret set ${{ inputs.name }}'}",
            "job: {script: ['echo ${{ x }}']}",
        ):
            self.assertEqual(len(interpolated(examples.yaml(text))), 1, text)

    def test_every_action_is_pinned_to_a_commit(self):
        for path in WORKFLOWS:
            self.assertEqual(unpinned(examples.yaml(path.read_text())), [], path.name)
        moving = examples.yaml("jobs: {a: {steps: [{uses: actions/checkout@v4}, {run: ls}]}}")
        self.assertEqual(unpinned(moving), ["actions/checkout@v4"])

    def test_a_workflow_may_only_what_it_says(self):
        for path in WORKFLOWS:
            tree = examples.yaml(path.read_text())
            self.assertEqual(tree["permissions"], {"contents": "read"}, path.name)
            writing = [name for name, job in tree["jobs"].items() if "write" in (job.get("permissions") or {}).values()]
            self.assertEqual(writing, ["publish"] if path.name == "release.yml" else [], path.name)
            for name, job in tree["jobs"].items():
                self.assertIn("timeout-minutes", job, f"{path.name}: {name}")

    def test_the_install_script_gets_the_archives_that_are_released(self):
        tree = examples.yaml((ROOT / ".github/workflows/release.yml").read_text())
        built = {entry["platform"] for entry in tree["jobs"]["build"]["strategy"]["matrix"]["include"]}
        wanted = {f"{system}-{machine}" for system in ("linux", "macos") for machine in ("x86_64", "arm64")}
        self.assertEqual(built, wanted | {"windows-x86_64"})

    def test_everything_names_one_version(self):
        version = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]["version"]
        self.assertIn(f'\nVERSION="{version}"\n', (ROOT / "install.sh").read_text())
        for page in ("README.md", "docs/ci.md"):
            named = re.findall(r"(?:jira-oauth@v|--version |/v)(\d[\w.]*\d)\b", (ROOT / page).read_text())
            self.assertTrue(named)
            self.assertEqual(set(named), {version}, page)
        self.assertEqual(run([JIRA, "version"]).stdout.split()[:3], ["jira", "version", version])


class Jenkins(unittest.TestCase):
    """There is no linter for a Jenkinsfile without a Jenkins. What can be held: it is balanced, and no script of
    its has text from Groovy."""

    def test_no_script_of_the_jenkinsfile_is_made_by_groovy(self):
        text = examples.named()["Jenkinsfile"]
        for bracket in ("{}", "()", "[]"):
            self.assertEqual(text.count(bracket[0]), text.count(bracket[1]), bracket)
        self.assertNotIn('"', text, "only texts in single quotes, which Groovy leaves alone")
        self.assertIn("sh 'sh ci/jira.sh'", text)


class Image(unittest.TestCase):
    def setUp(self):
        text = (ROOT / "Dockerfile").read_text()
        text = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", text, flags=re.M))
        self.lines = [line.split(None, 1) for line in text.splitlines() if line.strip()]

    def after(self, word):
        """The arguments of every such instruction of the last stage."""
        last = max(index for index, line in enumerate(self.lines) if line[0] == "FROM")
        return [line[1] for line in self.lines[last:] if line[0] == word]

    def test_hadolint_finds_nothing(self):
        done = run([TOOLS / "hadolint", "Dockerfile"], cwd=ROOT)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_it_is_two_stages_and_the_last_is_empty_but_for_what_was_built(self):
        stages = [line[1] for line in self.lines if line[0] == "FROM"]
        self.assertEqual(len(stages), 2)
        self.assertEqual(stages[-1], "scratch")
        self.assertEqual(self.after("COPY"), ["--from=build /image /"])
        self.assertEqual(self.after("RUN"), [])

    def test_the_user_is_a_number_and_not_root(self):
        (user,) = self.after("USER")
        self.assertRegex(user, r"^[1-9][0-9]+:[1-9][0-9]+$")

    def test_it_runs_jira_and_no_shell(self):
        self.assertEqual(self.after("ENTRYPOINT"), ['["/usr/local/bin/jira"]'])
        self.assertEqual(self.after("CMD"), ['["--help"]'])

    def test_nothing_is_fetched_by_address_and_no_secret_is_an_argument(self):
        for word, rest in self.lines:
            self.assertNotEqual(word, "ADD", rest)
            if word in ("ARG", "ENV"):
                self.assertNotRegex(rest, r"(?i)token|password|secret", "whoever has the image can read it")

    def test_the_build_is_given_what_it_reads_and_nothing_else(self):
        """The files that the image copies are enough for cargo to understand the package, and no source file
        includes one that is not among them."""
        allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
        copied = []
        for word, rest in self.lines:
            if word == "COPY" and not rest.startswith("--from"):
                copied += rest.split()[:-1]
        self.assertEqual(sorted(copied), sorted(allowed))
        included = re.compile(r"include(?:_str|_bytes)?!\(\s*\"([^\"]+)\"")
        for source in (ROOT / "src").rglob("*.rs"):
            for name in included.findall(source.read_text()):
                path = (source.parent / name).resolve()
                self.assertTrue(path.is_relative_to(ROOT / "src"), f"{source} includes {name}, which the image lacks")
        with tempfile.TemporaryDirectory() as directory:
            for name in copied:
                subprocess.run(["cp", "-a", ROOT / name, directory], check=True)
            done = run(["cargo", "metadata", "--offline", "--locked", "--no-deps", "--format-version=1"], cwd=directory)
            self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
