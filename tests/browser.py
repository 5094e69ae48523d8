"""A real browser for tests of pages: Chromium without a window, one for all tests of a process.

In: a page's HTML, the width it is shown at, a script. Out: what the script gives, as JSON has it.
It is spoken to as DevTools are, over two pipes, and ends when they are closed.
"""

from __future__ import annotations

import atexit
import json
import shutil
import subprocess
import tempfile
from functools import cache, partial
from itertools import takewhile
from threading import Timer
from typing import Any, Final

import pytest

_OPTIONS: Final = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-quic"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--hide-scrollbars", "--remote-debugging-pipe"),
)
# Chromium reads what it is asked from 3 and answers on 4.
_PIPED: Final = 'exec "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1'
# The page lies in a frame of the width wanted: a window of Chromium is never narrower than 500.
_SHOWN: Final = """new Promise((told, failed) => {
  const frame = document.createElement("iframe");
  Object.assign(frame, {width: %d, height: 900, style: "border:0", srcdoc: %s});
  const texts = row => [...row.cells].map(cell => cell.innerText);
  const rows = table => [...table.tBodies[0].rows].map(texts);
  const script = page => { %s };
  frame.onload = () => {
    try { told(script(frame.contentDocument)); } catch (error) { failed(error); }
  };
  document.body.replaceChildren(frame);
})"""
_SECONDS_MAX: Final = 120


def said_of(page: str, script: str, *, width: int) -> Any:  # noqa: ANN401 - whatever JSON holds
    """What a script returns that knows `page`, the document, and `rows`, the texts of a table."""
    asked = _SHOWN % (width, json.dumps(page), script)
    waits = {"awaitPromise": True, "returnByValue": True}
    answer = _answer("Runtime.evaluate", session=_session(), expression=asked, **waits)
    assert "exceptionDetails" not in answer, f"{script} failed: {answer}"
    return answer["result"]["value"]


@cache
def _session() -> str:
    """The talk with an empty page of the browser."""
    page = _answer("Target.createTarget", url="about:blank")["targetId"]
    answer = _answer("Target.attachToTarget", targetId=page, flatten=True)
    return str(answer["sessionId"])


def _answer(method: str, *, session: str = "", **params: object) -> dict[str, Any]:
    """What the browser answers; what it tells unasked is left out."""
    browser = _browser()
    assert browser.stdin is not None
    assert browser.stdout is not None
    asked = {"id": 1, "method": method, "params": params}
    asked |= {"sessionId": session} if session else {}
    late = Timer(_SECONDS_MAX, browser.kill)
    late.start()
    browser.stdin.write(json.dumps(asked).encode() + b"\0")
    browser.stdin.flush()
    message: dict[str, Any] = {}
    while "id" not in message:
        read = iter(partial(browser.stdout.read, 1), b"\0")
        message = json.loads(b"".join(takewhile(bool, read)) or '{"id": "it has ended"}')
    late.cancel()
    assert "result" in message, message
    answer: dict[str, Any] = message["result"]
    return answer


@cache
def _browser() -> subprocess.Popen[bytes]:
    """The browser of this process; it goes with it."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.fail("these tests need Chromium: apt-get install chromium")
    folder = tempfile.TemporaryDirectory(prefix="clearing-browser-", ignore_cleanup_errors=True)
    command = [chromium, *_OPTIONS, f"--user-data-dir={folder.name}/profile"]
    shell = ["/bin/sh", "-c", _PIPED, "sh", *command]
    browser = subprocess.Popen(shell, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    atexit.register(folder.cleanup)
    atexit.register(browser.communicate)
    return browser
