#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The manual in a browser: pictures are seen, links lead somewhere, nothing is
wider than the window, on a telephone neither, and the console stays empty.

    browser.py HTML_DIR

A page of ours opens each of the manual's in a frame, measures, and sends what it
found; what it is served, and what is asked for in vain, this script sees. Speaks
TAP; skipped where there is no Chromium.
"""
import functools
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading

WIDTHS = [400, 1200]
BROWSERS = ["chromium", "chromium-browser", "google-chrome"]
PATIENCE = 150 # seconds

HARNESS = """<!DOCTYPE html><html><body><script>
const pages = PAGES, widths = WIDTHS, found = [];
const say = (kind, page, text) => found.push([kind, page, text]);
const anchors = {}, links = [];

function fits(frame, page, width) {
    const root = frame.contentDocument.documentElement;
    if (root.scrollWidth <= root.clientWidth)
        return;
    for (const one of frame.contentDocument.querySelectorAll("body *"))
        if (one.getBoundingClientRect().right > root.clientWidth + 1)
            return say("wide", page, `${width} px: <${one.localName}> ` +
                       one.textContent.trim().slice(0, 60));
    say("wide", page, `${width} px: ${root.scrollWidth} px`);
}

function pictures(frame, page) {
    for (const img of frame.contentDocument.querySelectorAll("img"))
        if (!img.naturalWidth || !img.naturalHeight)
            say("picture", page, img.getAttribute("src"));
    for (const svg of frame.contentDocument.querySelectorAll("svg")) {
        const box = svg.getBoundingClientRect(), all = svg.viewBox.baseVal;
        if (box.width < 100 || box.height < 20)
            say("picture", page, `svg of ${box.width} x ${box.height}`);
        for (const text of svg.querySelectorAll("text")) {
            const b = text.getBBox(), size = text.getBoundingClientRect();
            if (b.x < all.x || b.x + b.width > all.x + all.width ||
                b.y < all.y || b.y + b.height > all.y + all.height)
                say("picture", page, `cut: ${text.textContent}`);
            if (text.textContent && size.height < 9)
                say("picture", page, `too small to read: ${text.textContent}`);
        }
    }
}

function remember(frame, page) {
    const d = frame.contentDocument;
    anchors[page] = new Set([...d.querySelectorAll("[id]")].map(e => e.id));
    for (const a of d.querySelectorAll("a[href], link[href]"))
        links.push([page, new URL(a.getAttribute("href"), d.baseURI)]);
}

function open(page, width) {
    return new Promise(done => {
        const frame = document.createElement("iframe");
        frame.style = `border: 0; height: 800px; width: ${width}px`;
        frame.onload = () => {
            try {
                fits(frame, page, width);
                pictures(frame, page);
                remember(frame, page);
            } catch (error) {
                say("console", page, String(error));
            }
            frame.remove();
            done();
        };
        frame.src = page;
        document.body.append(frame);
    });
}

async function follow() {
    const known = {};
    for (const [page, link] of links) {
        if (link.origin !== location.origin)
            continue;
        const target = link.pathname.slice(1);
        known[target] ??= (await fetch(link.pathname)).ok;
        const anchor = decodeURIComponent(link.hash.slice(1));
        if (!known[target] ||
            anchor && anchors[target] && !anchors[target].has(anchor))
            say("link", page, link.pathname + link.hash);
    }
}

(async () => {
    for (const page of pages)
        for (const width of widths)
            await open(page, width);
    await follow();
    await fetch("/found", {method: "POST", body: JSON.stringify(found)});
})();
</script></body></html>
"""


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves the manual, the page that looks at it, and takes its answer."""
    harness = b""
    missing = []
    answer = None
    answered = threading.Event()

    def do_GET(self):
        if self.path != "/test":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(self.harness)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Handler.answer = json.loads(body)
        self.send_response(204)
        self.end_headers()
        self.answered.set()

    def log_message(self, *_):
        pass

    def log_error(self, *_):
        if self.path != "/favicon.ico": # browsers ask by themselves
            self.missing.append(self.path)


def pages_of(directory):
    """Those that are no mere references to others."""
    for path in sorted(directory.glob("*.html")):
        if 'http-equiv="refresh"' not in path.read_text(encoding="utf-8"):
            yield path.name


def look(browser, directory):
    """(what the page found, what the console says), or None."""
    pages = list(pages_of(directory))
    Handler.harness = (HARNESS.replace("PAGES", json.dumps(pages), 1)
                       .replace("WIDTHS", json.dumps(WIDTHS), 1)).encode()
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=str(directory)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        log = pathlib.Path(home, "log")
        with log.open("wb") as to:
            process = subprocess.Popen(
                [browser, "--headless", "--no-sandbox", "--disable-gpu",
                 "--no-first-run", "--disable-dev-shm-usage",
                 "--enable-logging=stderr", f"--user-data-dir={home}/profile",
                 "--remote-debugging-port=0", "--window-size=1280,900",
                 f"http://127.0.0.1:{server.server_port}/test"],
                stdout=to, stderr=subprocess.STDOUT,
                env={**os.environ, "HOME": home})
            ended = Handler.answered.wait(PATIENCE)
            process.terminate()
            process.wait()
        server.shutdown()
        said = log.read_text(encoding="utf-8", errors="replace")
    if not ended:
        print("\n".join(f"# {line}" for line in said.splitlines()[-20:]))
        return None
    console = re.findall(r":CONSOLE[:(].*", said)
    return len(pages), Handler.answer, [
        line for line in console if "favicon.ico" not in line]


def main(directory):
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not browser:
        print("1..0 # SKIP there is no Chromium")
        return
    print("1..5")
    seen = look(browser, pathlib.Path(directory))
    if seen is None:
        print("Bail out! the browser did not end")
        sys.exit(1)
    count, found, console = seen
    complaints = {"wide": [], "picture": [], "link": [],
                  "console": console + Handler.missing}
    for kind, page, text in found:
        complaints[kind].append(f"{page}: {text}")
    print(f"{'ok' if count > 20 else 'not ok'} 1 - pages are seen: {count}")
    names = {"wide": "nothing is wider than the window, of 400 and 1200 px",
             "picture": "pictures are whole, and large enough to read",
             "link": "links lead somewhere",
             "console": "the console is empty, and nothing is asked for in vain"}
    for number, (kind, name) in enumerate(names.items(), 2):
        print(f"{'not ok' if complaints[kind] else 'ok'} {number} - {name}")
        for line in list(dict.fromkeys(complaints[kind]))[:40]:
            print(f"# {' '.join(line.split())}")


if __name__ == "__main__":
    main(sys.argv[1])
