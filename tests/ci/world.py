"""What the tests share: the program under test, a sandbox, and a refresh token to inject."""

import base64
import hashlib
import json
import os
import secrets
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
JIRA = os.environ.get("JIRA_TEST_BINARY", str(ROOT / "target/debug/jira"))
TOOLS = Path(sys.executable).parent
# Nothing of the machine that runs the tests but where its programs are.
CLEAN = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nonexistent"}
REDIRECT = "https://127.0.0.1:8085/callback"


class Sandbox:
    """`jira sandbox serve`, approving every login, until closed."""

    def __init__(self, home):
        self.process = subprocess.Popen(
            [JIRA, "sandbox", "serve", "--auto-approve", "developer"],
            env=dict(CLEAN, HOME=str(home)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        text = ""
        for line in self.process.stdout:
            text += line
            if line.rstrip() == "}":
                break
        about = json.loads(text)
        self.base_url, self.client_id = about["base_url"], about["client_id"]

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=30)
        self.process.stdout.close()

    def get(self, path):
        """As the developer, by name and password."""
        word = base64.b64encode(b"developer:developer").decode()
        ask = urllib.request.Request(self.base_url + path, headers={"Authorization": f"Basic {word}"})
        with urllib.request.urlopen(ask, timeout=30) as answer:
            return json.load(answer)

    def comments(self, key):
        return [comment["body"] for comment in self.get(f"/rest/api/2/issue/{key}/comment")["comments"]]

    def status(self, key):
        return self.get(f"/rest/api/2/issue/{key}?fields=status")["fields"]["status"]["name"]

    def refresh_token(self):
        """As docs/ci.md says: authorize, code, token."""
        asked = dict(authorized(self.base_url, self.client_id), grant_type="authorization_code")
        form = urllib.parse.urlencode(asked)
        with urllib.request.urlopen(f"{self.base_url}/rest/oauth2/latest/token", form.encode(), timeout=30) as answer:
            return json.load(answer)["refresh_token"]


def authorized(base_url, client_id):
    """What redeems a code: the browser's part, approved by a sandbox that approves."""
    verifier = secrets.token_hex(32)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = urllib.parse.urlencode(
        {
            "response_type": "code",
            "client_id": client_id,
            "scope": "WRITE",
            "state": secrets.token_hex(8),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "redirect_uri": REDIRECT,
        }
    )
    back = location(f"{base_url}/rest/oauth2/latest/authorize?{asked}")
    code = urllib.parse.parse_qs(urllib.parse.urlsplit(back).query)["code"][0]
    return {"client_id": client_id, "code": code, "code_verifier": verifier, "redirect_uri": REDIRECT}


class Stay(urllib.request.HTTPRedirectHandler):
    """Redirects are not followed."""

    def redirect_request(self, *_):
        return None


def location(url):
    """Where the sandbox sends the browser in the end."""
    opener = urllib.request.build_opener(Stay)
    for _ in range(5):
        try:
            with opener.open(url, timeout=30) as answer:
                raise AssertionError(f"{url} answered {answer.status}: {answer.read()[:300]}")
        except urllib.error.HTTPError as answer:
            assert answer.code in (302, 303), f"{url}: {answer.code} {answer.read()[:300]}"
            url = urllib.parse.urljoin(url, answer.headers["Location"])
        if url.startswith(REDIRECT):
            return url
    raise AssertionError(f"no way to {REDIRECT}")


def run(command, **options):
    """A program to its end, its output as text."""
    options.setdefault("timeout", 120)
    options.setdefault("stdin", subprocess.DEVNULL if "input" not in options else None)
    if options["stdin"] is None:
        del options["stdin"]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)
