"""The examples of docs/ci.md, run: each job's steps with a hostile commit message, against a sandbox and against
something that takes what a forge's API takes. Whoever changes an example sees here whether it still works."""

import http.server
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import unittest
import urllib.parse
from email import message_from_bytes
from pathlib import Path
from xml.etree import ElementTree

import examples
from runner import Runner, expand
from world import CLEAN, JIRA, ROOT, Sandbox, run

HOSTILE = "{} is done $(touch pwned) `touch pwned` '; touch pwned; ' \"; touch pwned; \" $CANARY\n\n-- $((1+1))"
CANARY = "canary-writer-token"


class Forge:
    """Takes one kind of request and remembers it."""

    def __init__(self):
        forge = self
        self.seen = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def take(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                forge.seen.append((self.command, self.path, dict(self.headers), body))
                self.send_response(204)
                self.end_headers()

            do_PUT = do_POST = take

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Example(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.home = Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.home)
        cls.sandbox = Sandbox(cls.home)
        cls.addClassCleanup(cls.sandbox.close)
        cls.files = examples.named()

    def setUp(self):
        self.directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.directory)
        self.forge = Forge()
        self.addCleanup(self.forge.close)
        self.bin = self.directory / "bin"
        self.bin.mkdir()
        (self.bin / "jira").symlink_to(JIRA)
        self.token = self.sandbox.refresh_token()
        jql = urllib.parse.quote('project = GAIA AND status = "In Progress"')
        self.key = self.sandbox.get(f"/rest/api/2/search?jql={jql}&maxResults=1&fields=status")["issues"][0]["key"]
        self.message = HOSTILE.format(self.key)

    def environment(self, **more):
        """Of a job: with curl in front that notes its arguments, as every process could."""
        noting = self.bin / "curl"
        noting.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >>{self.directory}/arguments\nexec {shutil.which("curl")} "$@"\n')
        noting.chmod(0o755)
        return {
            **CLEAN,
            "PATH": f"{self.bin}:{CLEAN['PATH']}",
            "HOME": str(self.directory),
            "CI": "true",
            "CANARY": CANARY,
            **more,
        }

    def is_moved(self):
        self.assertEqual(self.sandbox.status(self.key), "In Review")

    def one_request(self):
        self.assertEqual(len(self.forge.seen), 1, self.forge.seen)
        return self.forge.seen[0]

    def nothing_leaked(self, log=""):
        self.assertFalse((self.directory / "pwned").exists(), "the message was executed")
        arguments = (self.directory / "arguments").read_text() if (self.directory / "arguments").exists() else ""
        for secret in (CANARY, self.token):
            self.assertNotIn(secret, arguments, "an argument can be read by every process")
            self.assertNotIn(secret, log)

    def is_a_successor(self, text):
        """Good for the next job, and not the one that was spent."""
        self.assertNotEqual(text, self.token)
        next_job = run(
            [JIRA, "whoami"],
            env={
                **CLEAN,
                "HOME": str(self.home),
                "JIRA_BASE_URL": self.sandbox.base_url,
                "JIRA_OAUTH_CLIENT_ID": self.sandbox.client_id,
                "JIRA_OAUTH_REFRESH_TOKEN": text,
                "JIRA_OAUTH_REFRESH_TOKEN_OUTPUT": "none",
                "JIRA_CONFIG_DIR": str(self.home / "next"),
            },
        )
        self.assertEqual(next_job.returncode, 0, next_job.stderr)

    def workflow(self, name, github):
        """The one step with our action, its values filled in as the forge would, run by our runner."""
        tree = examples.yaml(self.files[name])
        (job,) = tree["jobs"].values()
        step = next(step for step in job["steps"] if "jira-oauth@" in step.get("uses", ""))
        context = {
            "secrets": {"JIRA_REFRESH_TOKEN": self.token, "SECRETS_WRITER": CANARY},
            "vars": {"JIRA_OAUTH_CLIENT_ID": self.sandbox.client_id},
            "github": {
                "repository": "owner/name",
                "ref_name": "main",
                "event": {"head_commit": {"message": self.message}},
            },
        }
        inputs = {key: expand(value, context) if value is not True else "true" for key, value in step["with"].items()}
        self.assertEqual(inputs["base-url"], "https://jira.example.com")
        inputs.update({"base-url": self.sandbox.base_url, "binary": JIRA})
        environment = self.environment(**github)
        environment.update({key: expand(value, context) for key, value in step["env"].items()})
        result = Runner(ROOT / "action.yml", environment).run(**inputs)
        self.assertEqual(result.code, 0, result.log)
        self.is_moved()
        self.nothing_leaked(result.log)
        return job, result


class GitHub(Example):
    def test_the_secret_is_set_from_stdin_and_the_report_is_shown(self):
        gh = self.bin / "gh"
        gh.write_text(f'#!/bin/sh\necho "$GH_REPO $GH_TOKEN $*" >{self.directory}/gh\ncat >{self.directory}/secret\n')
        gh.chmod(0o755)
        job, result = self.workflow(".github/workflows/jira.yml", {})
        self.assertEqual(
            (self.directory / "gh").read_text().strip(),
            f"owner/name {CANARY} secret set JIRA_REFRESH_TOKEN --env {job['environment']}",
        )
        self.is_a_successor((self.directory / "secret").read_text())
        step = job["steps"][-1]
        context = {"steps": {"jira": {"outputs": result.outputs}}}
        report = expand(step["env"]["REPORT"], context)
        done = run(["bash", "-e", "-c", step["run"]], env=self.environment(REPORT=report))
        self.assertEqual((done.returncode, done.stdout), (0, f"{self.key}: In Review\n"), done.stderr)


class Gitea(Example):
    def test_the_secret_is_put_by_the_api(self):
        here = {"GITHUB_SERVER_URL": self.forge.url, "GITHUB_REPOSITORY": "owner/name"}
        self.workflow(".gitea/workflows/jira.yml", here)
        method, path, headers, body = self.one_request()
        self.assertEqual((method, path), ("PUT", "/api/v1/repos/owner/name/actions/secrets/JIRA_REFRESH_TOKEN"))
        self.assertEqual(headers["Authorization"], f"token {CANARY}")
        self.assertEqual(headers["Content-Type"], "application/json")
        self.assertEqual(list(json.loads(body)), ["data"])
        self.is_a_successor(json.loads(body)["data"])


class GitLab(Example):
    def test_the_variable_is_put_by_the_api_and_stays_masked(self):
        job = examples.yaml(self.files[".gitlab-ci.yml"])["jira"]
        self.assertIn("resource_group", job)
        # GitLab replaces `$name` in values under `variables:`: no text of others may stand there.
        self.assertNotIn("$", str(job["variables"]))
        environment = self.environment(
            JIRA_BASE_URL=self.sandbox.base_url,
            JIRA_OAUTH_CLIENT_ID=self.sandbox.client_id,
            JIRA_OAUTH_REFRESH_TOKEN=self.token,
            VARIABLES_WRITER=CANARY,
            CI_API_V4_URL=f"{self.forge.url}/api/v4",
            CI_PROJECT_ID="42",
            CI_COMMIT_MESSAGE=self.message,
        )
        done = run(["sh", "-e", "-c", "\n".join(job["script"])], env=environment, cwd=self.directory)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.is_moved()
        self.nothing_leaked(done.stdout + done.stderr)
        method, path, headers, body = self.one_request()
        self.assertEqual((method, path), ("PUT", "/api/v4/projects/42/variables/JIRA_OAUTH_REFRESH_TOKEN"))
        self.assertEqual(headers["PRIVATE-TOKEN"], CANARY)
        form = message_from_bytes(f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode() + body)
        fields = {part.get_param("name", header="Content-Disposition"): part.get_payload() for part in form.get_payload()}
        self.is_a_successor(fields.pop("value"))
        self.assertEqual(fields, {"masked": "true", "protected": "true", "raw": "true"})


class Jenkins(Example):
    def test_the_credential_is_updated_by_the_api(self):
        git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com"]
        subprocess.run(["git", "init", "--quiet", "."], check=True)
        subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message", self.message], check=True)
        text = self.files["Jenkinsfile"]
        credential = re.search(r"CREDENTIAL = '([^']+)'", text)[1]
        for variable in ("JIRA_OAUTH_REFRESH_TOKEN", "WRITER", "WRITER_TOKEN"):
            self.assertIn(f"ariable: '{variable}'", text)
        environment = self.environment(
            JIRA_BASE_URL=self.sandbox.base_url,
            JIRA_OAUTH_CLIENT_ID=self.sandbox.client_id,
            JIRA_OAUTH_REFRESH_TOKEN=self.token,
            WRITER="writer",
            WRITER_TOKEN=CANARY,
            JENKINS_URL=f"{self.forge.url}/",
            CREDENTIAL=credential,
        )
        Path("ci").mkdir()
        Path("ci/jira.sh").write_text(self.files["ci/jira.sh"])
        done = run(["sh", "-e", "-x", "ci/jira.sh"], env=environment, cwd=self.directory)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.is_moved()
        self.nothing_leaked(done.stdout + done.stderr)
        method, path, headers, body = self.one_request()
        self.assertEqual((method, path), ("POST", f"/{credential}/config.xml"))
        self.assertTrue(headers["Authorization"].startswith("Basic "))
        tree = ElementTree.fromstring(body)
        self.assertEqual(tree.tag, "org.jenkinsci.plugins.plaincredentials.impl.StringCredentialsImpl")
        self.assertEqual(tree.findtext("id"), credential.rsplit("/", 1)[1])
        self.is_a_successor(tree.findtext("secret"))


if __name__ == "__main__":
    unittest.main()
