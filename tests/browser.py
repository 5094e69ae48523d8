"""A real browser for tests of pages: Chromium without a window.

In: a page's HTML, the width it is shown at, a script. Out: what the script gives, as JSON has it.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

import pytest

_OPTIONS: Final = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-quic"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--hide-scrollbars", "--virtual-time-budget=10000"),
)
# The page lies in a frame of the width wanted: a window of Chromium is never narrower than 500.
_HARNESS: Final = """<!DOCTYPE html>
<iframe width="{width}" height="900" style="border:0" srcdoc="{page}"></iframe>
<pre id="said"></pre><script>
addEventListener("load", () => {{
  const page = document.querySelector("iframe").contentDocument;
  const texts = row => [...row.cells].map(cell => cell.innerText);
  const rows = table => [...table.tBodies[0].rows].map(texts);
  document.querySelector("#said").textContent = JSON.stringify((() => {{ {script} }})());
}});
</script>"""


def said_of(page: str, script: str, *, width: int) -> Any:  # noqa: ANN401 - whatever JSON holds
    """What a script returns that knows `page`, the document, and `rows`, the texts of a table."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.fail("these tests need Chromium: apt-get install chromium")
    with tempfile.TemporaryDirectory(prefix="clearing-browser-") as folder:
        harness = Path(folder) / "harness.html"
        shown = html.escape(page, quote=True)
        harness.write_text(_HARNESS.format(width=width, page=shown, script=script), "utf-8")
        command = [chromium, *_OPTIONS, f"--user-data-dir={folder}/profile", "--dump-dom"]
        asked = [*command, harness.as_uri()]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=120, check=False)
    said = re.search(r'<pre id="said">(.*?)</pre>', done.stdout, re.DOTALL)
    assert said is not None, done.stderr[-2000:]
    assert said[1], f"the script failed: {script}"
    return json.loads(html.unescape(said[1]))
