#!/usr/bin/env python3
"""Drives a headless Chromium as a person would, one JSON command a line on stdin, one answer a line on stdout.

Only the standard library. DevTools is spoken over a pipe (file descriptors 3 and 4), so that no debugging
port stands open while a login runs. Certificate errors are never switched off: who wants past the warning
page clicks through it (`proceed`).

    {"do":"open","url":U}                  -> {"ok":true,"url":…,"warning":bool}  warning: the certificate page
    {"do":"proceed"}                          clicks "Advanced" and "Proceed" on that page
    {"do":"fill","selector":S,"text":T}       clicks into the field, empties it, types
    {"do":"click","selector":S}               a mouse click in its middle; refused if something covers it
    {"do":"wait","selector":S | "text":T | "url":PREFIX}
    {"do":"text","selector":S}             -> {"text":…}      the visible text; of the page without a selector
    {"do":"attribute","selector":S,"name":N} -> {"value":…}
    {"do":"count","selector":S}            -> {"count":…}
    {"do":"size","width":W,"height":H}        the window, to look at a page on a small screen
    {"do":"screenshot","path":P}              the page as PNG
    {"do":"requests"}                      -> {"requests":[{"url","method","headers"}]}  all since the start
    {"do":"complaints"}                    -> {"complaints":[…]}  console errors, CSP violations, exceptions
    {"do":"close"}

Each command may say "timeout" in seconds (20). A failure is {"ok":false,"error":…,"url":…}.
Arguments: [--browser PATH]. The profile is new each time and removed at the end.
"""

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless", "--remote-debugging-pipe", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--no-default-browser-check", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-default-apps", "--disable-extensions", "--disable-dev-shm-usage",
    "--no-proxy-server", "--password-store=basic", "--use-mock-keychain", "--hide-scrollbars",
    "--window-size=1000,800", "--lang=en-US",
)


class Problem(Exception):
    """What goes into the `error` of an answer."""


class Chromium:
    """The process and its DevTools pipe: commands with a deadline, events as they come."""

    def __init__(self, path):
        self.profile = tempfile.mkdtemp(prefix="jira-browser-")
        ours_in, self.to = os.pipe()
        self.back, ours_out = os.pipe()
        flags = [*FLAGS, f"--user-data-dir={self.profile}"]
        if os.geteuid() == 0:
            flags.append("--no-sandbox")  # Chromium refuses to start as root otherwise
        self.errors = open(os.path.join(self.profile, "stderr.log"), "wb")
        # A shell puts the two ends where Chromium looks for them, whatever numbers they have here.
        script = f'exec 3<&{ours_in} 4>&{ours_out} && exec "$0" "$@"'
        # Chromium is the head of a group of its own, so that its helpers can be ended with it.
        self.process = subprocess.Popen(
            ["bash", "-c", script, path, *flags, "about:blank"], pass_fds=(ours_in, ours_out),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.errors, start_new_session=True,
        )
        os.close(ours_in)
        os.close(ours_out)
        self.buffer = b""
        self.answers = {}
        self.number = 0
        self.session = None
        self.requests = []
        self.complaints = []
        self.loads = 0

    def call(self, method, params=None, deadline=None, session=True):
        """Sends one DevTools command and waits for its answer."""
        self.number += 1
        number = self.number
        message = {"id": number, "method": method, "params": params or {}}
        if session and self.session:
            message["sessionId"] = self.session
        try:
            os.write(self.to, json.dumps(message).encode() + b"\0")
        except BrokenPipeError:
            raise Problem("the browser is gone: " + self.last_words()) from None
        while number not in self.answers:
            self.read(deadline or time.monotonic() + 20, method)
        answer = self.answers.pop(number)
        if "error" in answer:
            raise Problem(f"{method}: {answer['error'].get('message')}")
        return answer["result"]

    def read(self, deadline, what, patient=True):
        """Takes in what the browser sends next; without patience, running out of time is no error."""
        left = deadline - time.monotonic()
        ready = select.select([self.back], [], [], max(left, 0))[0]
        if not ready:
            if patient:
                raise Problem(f"no answer in time: {what}")
            return
        chunk = os.read(self.back, 1 << 20)
        if not chunk:
            raise Problem("the browser ended: " + self.last_words())
        *whole, self.buffer = (self.buffer + chunk).split(b"\0")
        for text in whole:
            message = json.loads(text)
            if "id" in message:
                self.answers[message["id"]] = message
            else:
                self.event(message["method"], message["params"])

    def event(self, method, params):
        if method == "Network.requestWillBeSent":
            request = params["request"]
            if request["url"].startswith("http"):  # the warning page is made of data: and chrome: addresses
                self.requests.append({k: request[k] for k in ("url", "method", "headers")})
        elif method == "Page.loadEventFired":
            self.loads += 1
        elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.complaints.append(params["entry"]["text"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(params["exceptionDetails"]["text"])

    def last_words(self):
        with open(self.errors.name, "rb") as file:
            return file.read()[-600:].decode(errors="replace").strip()

    def end(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.errors.close()
        shutil.rmtree(self.profile, ignore_errors=True)


class Page:
    """The one tab, and what a person does in it."""

    def __init__(self, chromium):
        self.chromium = chromium
        self.deadline = time.monotonic() + 60  # the first start on a busy machine takes its time
        while True:
            targets = self.call("Target.getTargets", session=False)["targetInfos"]
            pages = [t for t in targets if t["type"] == "page"]
            if pages:
                break
        which = {"targetId": pages[0]["targetId"], "flatten": True}
        attached = self.call("Target.attachToTarget", which, session=False)
        chromium.session = attached["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(f"{domain}.enable")

    def call(self, method, params=None, session=True):
        # Each single call gets some seconds of its own, so that what ran out of time can still be named.
        return self.chromium.call(method, params, max(self.deadline, time.monotonic() + 5), session)

    def value(self, expression):
        """What a JavaScript expression is in the page; `None` too while one page gives way to the next."""
        try:
            answer = self.call("Runtime.evaluate", {"expression": expression, "returnByValue": True})
        except Problem as problem:
            if "context" in str(problem) or "navigated" in str(problem):
                return None
            raise
        if "exceptionDetails" in answer:
            exception = answer["exceptionDetails"].get("exception", {})
            raise Problem(exception.get("description", "an exception in the page"))
        return answer["result"].get("value")

    def url(self):
        """The address in the bar; `None` while a page that did not load is being put away."""
        try:
            history = self.call("Page.getNavigationHistory")
            return history["entries"][history["currentIndex"]]["url"]
        except Problem:
            return None

    def until(self, what, test):
        """Asks again after each word from the browser, ten times a second at least, until the deadline."""
        while not (value := test()):
            if time.monotonic() > self.deadline:
                raise Problem(f"waited in vain for {what}")
            self.chromium.read(min(self.deadline, time.monotonic() + 0.1), what, patient=False)
        return value

    def open(self, url):
        loads = self.chromium.loads
        error = self.call("Page.navigate", {"url": url}).get("errorText", "")
        warning = error.startswith("net::ERR_CERT_")
        if error and not warning:
            raise Problem(error)
        if warning:
            self.until("the certificate warning", lambda: self.value("!!document.querySelector('#details-button')"))
        else:
            self.until(f"{url} to load", lambda: self.chromium.loads > loads)
        return {"warning": warning, "error_text": error}

    def proceed(self):
        self.click("#details-button")
        self.click("#proceed-link")
        gone = "document.readyState === 'complete' && !document.querySelector('#proceed-link')"
        self.until("the page behind the warning", lambda: self.value(gone))
        return {}

    def click(self, selector):
        """A mouse click in the middle of the element, once it is there, visible and on top."""
        place = """(() => {
            const element = document.querySelector(%s);
            if (!element) return null;
            element.scrollIntoView({block: 'center', behavior: 'instant'});
            const box = element.getBoundingClientRect();
            const x = box.left + box.width / 2, y = box.top + box.height / 2;
            const top = document.elementFromPoint(x, y);
            return box.width && box.height && top && element.contains(top) && !element.disabled ? {x, y} : null;
        })()""" % json.dumps(selector)
        at = self.until(f"{selector} to be there to click on", lambda: self.value(place))
        for kind, buttons in (("mouseMoved", 0), ("mousePressed", 1), ("mouseReleased", 0)):
            event = {"type": kind, "button": "left", "clickCount": 1, "buttons": buttons, **at}
            if kind == "mouseMoved":
                event.update(button="none", clickCount=0)
            self.call("Input.dispatchMouseEvent", event)
        return {}

    def fill(self, selector, text):
        self.click(selector)
        self.value(f"document.querySelector({json.dumps(selector)}).select()")
        self.call("Input.insertText", {"text": text})
        found = self.value(f"document.querySelector({json.dumps(selector)}).value")
        if found != text:
            raise Problem(f"{selector} did not take the text")
        return {}

    def wait(self, selector=None, text=None, url=None):
        if selector is not None:
            self.until(selector, lambda: self.value(f"!!document.querySelector({json.dumps(selector)})"))
        if text is not None:
            shown = "document.body && document.body.innerText"
            self.until(f"the text {text!r}", lambda: text in (self.value(shown) or ""))
        if url is not None:
            here = "location.href"
            self.until(f"an address that begins with {url}", lambda: (self.value(here) or "").startswith(url))
        return {}

    def found(self, selector, expression):
        here = json.dumps(selector)
        if not self.value(f"!!document.querySelector({here})"):
            raise Problem(f"no {selector} on the page")
        return self.value(f"document.querySelector({here}).{expression}")

    def text(self, selector="body"):
        return {"text": self.found(selector, "innerText")}

    def attribute(self, selector, name):
        return {"value": self.found(selector, f"getAttribute({json.dumps(name)})")}

    def count(self, selector):
        return {"count": self.value(f"document.querySelectorAll({json.dumps(selector)}).length")}

    def size(self, width, height):
        self.call("Emulation.setDeviceMetricsOverride",
                  {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})
        return {}

    def screenshot(self, path):
        image = base64.b64decode(self.call("Page.captureScreenshot", {"format": "png"})["data"])
        with open(path, "wb") as file:
            file.write(image)
        return {"bytes": len(image)}

    def requests(self):
        return {"requests": self.chromium.requests}

    def complaints(self):
        return {"complaints": self.chromium.complaints}


COMMANDS = ("open", "proceed", "fill", "click", "wait", "text", "attribute", "count", "size", "screenshot",
            "requests", "complaints")


def answer(page, line):
    """One command, one answer; `None` ends the conversation."""
    command = json.loads(line)
    name = command.pop("do")
    if name == "close":
        return None
    page.deadline = time.monotonic() + command.pop("timeout", 20)
    try:
        if name not in COMMANDS:
            raise Problem(f"no such command: {name}")
        result = getattr(page, name)(**command)
        return {"ok": True, "url": page.url(), **result}
    except Problem as problem:
        return {"ok": False, "error": f"{name}: {problem}", "url": page.url()}


def say(value):
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def main():
    chosen = sys.argv[2] if sys.argv[1:2] == ["--browser"] else None
    path = chosen or next(filter(None, map(shutil.which, NAMES)), None)
    if not path:
        say({"ok": False, "error": "no Chromium on this machine: looked for " + ", ".join(NAMES)})
        return 1
    # Being told to end must end the browser too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    chromium = Chromium(path)
    try:
        try:
            page = Page(chromium)
        except Problem as problem:
            say({"ok": False, "error": str(problem)})
            return 1
        say({"ok": True, "ready": chromium.call("Browser.getVersion", session=False)["product"]})
        for line in sys.stdin:
            result = answer(page, line)
            if result is None:
                break
            say(result)
    finally:
        chromium.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
