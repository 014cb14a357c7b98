"""Check a built site: ``python tests/check_site.py build/site``.

Every link inside it leads somewhere, every picture has an alternative text, and nothing is loaded
from another place. Where Chromium is installed each page is opened in it, as wide as a phone and as
a desk, dark and light: none scrolls sideways, and the console stays empty.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from urllib.parse import unquote, urlsplit

WIDTHS = (360, 1280)
THEMES = ("light", "dark")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


class Page(HTMLParser):
    """What a page holds: its anchors, links, pictures, and what it loads."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.without_alt: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        source = given.get("src") if tag != "link" else given.get("href")
        if source and (tag != "link" or "stylesheet" in (given.get("rel") or "")):
            self.loaded.append(source)
        alt = given.get("alt")  # empty: a link with words of its own beside the picture
        if tag == "img" and (alt is None or alt == given.get("src")):
            self.without_alt.append(given.get("src") or "?")


def pages_of(site: Path) -> list[Path]:
    """Return the pages, without what a theme keeps beside them."""
    return sorted(p for p in site.rglob("*.html") if "_static" not in p.relative_to(site).parts)


def faults_of_files(site: Path) -> list[str]:
    """Return what is wrong with links, pictures and whatever is loaded."""
    pages = {path: Page(path) for path in pages_of(site)}
    faults = []
    for path, page in pages.items():
        name = path.relative_to(site)
        faults += [f"{name}: picture without an alternative text: {x}" for x in page.without_alt]
        for link in [*page.links, *page.loaded]:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if link in page.loaded and parts.scheme != "data":
                    faults.append(f"{name}: loads {link} from another place")
                continue
            target = path if not parts.path else (path.parent / unquote(parts.path)).resolve()
            target = target / "index.html" if target.is_dir() else target
            if not target.exists():
                faults.append(f"{name}: {link} leads nowhere")
            elif (
                parts.fragment
                and target in pages
                and unquote(parts.fragment) not in pages[target].anchors
            ):
                faults.append(f"{name}: {link} has no such anchor")
    if not pages:
        faults.append(f"{site}: no page")
    return faults


VISIT = """<!doctype html><meta charset="utf-8"><title>visit</title><body><script>
const pages = %s, widths = %s, themes = %s, faults = [];
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
async function visit(page, width, theme) {
  const frame = document.createElement("iframe");
  frame.style = `width: ${width}px; height: 800px; border: 0`;
  const loaded = new Promise((done) => { frame.onload = done });
  frame.src = page;
  document.body.append(frame);
  await loaded;
  await wait(20);
  const root = frame.contentDocument.documentElement;
  if (root.scrollWidth > width) {
    const wide = [...frame.contentDocument.querySelectorAll("body *")].filter(
      (each) => each.getBoundingClientRect().right > width + 1);
    const first = wide.slice(0, 3).map((e) => `${e.tagName}.${e.className}`).join(", ");
    faults.push(`${page}: ${root.scrollWidth} pixels wide at ${width}, ${theme}: ${first}`);
  }
  for (const each of frame.contentDocument.querySelectorAll("article :is(h1, h2, h3, p, li, dt)")) {
    const box = each.getBoundingClientRect();
    const cut = box.right > width + 1 || each.scrollWidth > each.clientWidth + 1;
    if (cut && box.width > 0 && !each.closest("pre, table, .pst-scrollable-table-container")
        && !each.querySelector("table, pre") && getComputedStyle(each).display !== "inline")
      faults.push(`${page}: cut off at ${width}: ${each.tagName}, ` +
        `${each.textContent.slice(0, 40)}: ${each.scrollWidth} in ${each.clientWidth}`);
  }
  if (root.dataset.theme !== undefined && root.dataset.theme !== theme)
    faults.push(`${page}: ${root.dataset.theme} where ${theme} is wanted`);
  frame.remove();
}
(async () => {
  for (const theme of themes) {
    localStorage.setItem("mode", theme);
    for (const width of widths) for (const page of pages) await visit(page, width, theme);
  }
  await fetch("/done", { method: "POST", body: JSON.stringify(faults) });
})();
</script>"""


class Server(SimpleHTTPRequestHandler):
    """Serves the site, one page that visits all others, and takes its findings."""

    visitor = b""
    findings: list[str]
    done: Event

    def do_GET(self) -> None:
        if self.path == "/visit":
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(self.visitor)
        elif self.path == "/favicon.ico":
            self.send_response(204)
            self.end_headers()
        else:
            super().do_GET()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.findings.extend(json.loads(body))
        self.send_response(204)
        self.end_headers()
        self.done.set()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def faults_in_browser(site: Path, browser: str, seconds: float) -> list[str]:
    """Return what a browser finds: pages that scroll sideways, and lines on its console."""
    pages = [f"/{path.relative_to(site).as_posix()}" for path in pages_of(site)]
    Server.visitor = (VISIT % tuple(map(json.dumps, (pages, WIDTHS, THEMES)))).encode()
    Server.findings, Server.done = [], Event()
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), partial(Server, directory=str(site))) as server,
        tempfile.TemporaryDirectory() as profile,
        tempfile.TemporaryFile() as log,
    ):
        Thread(target=server.serve_forever, daemon=True).start()
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        options += ["--enable-logging=stderr", "--no-first-run", f"--user-data-dir={profile}"]
        address = f"http://127.0.0.1:{server.server_port}/visit"
        with subprocess.Popen([browser, *options, address], stdout=log, stderr=log) as process:
            finished = Server.done.wait(seconds)
            process.terminate()
        server.shutdown()
        log.seek(0)
        lines = log.read().decode("utf-8", "replace").splitlines()
    chat = re.compile(r'CONSOLE[:(]\d+\)?\] "\[PST\]: ')  # the theme says which mode it is in
    faults = [line for line in lines if "CONSOLE" in line and not chat.search(line)]
    if not finished:
        faults.append(f"{browser}: not finished after {seconds:.0f} s: {lines[-3:]}")
    return Server.findings + sorted(set(faults))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("site", type=Path)
    parser.add_argument("--seconds", type=float, default=300, help="for the browser, at most")
    arguments = parser.parse_args()
    site = arguments.site.resolve()
    faults = faults_of_files(site)
    n = len(pages_of(site))
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser:
        faults += faults_in_browser(site, browser, arguments.seconds)
        print(f"{n} pages, links and pictures, and in {browser} at {WIDTHS} pixels, {THEMES}")
    else:
        print(f"{n} pages, links and pictures; in a browser: skipped, there is no Chromium")
    print("\n".join(faults) if faults else "no fault")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
