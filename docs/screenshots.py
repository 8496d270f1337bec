"""Takes the pictures in docs/images anew, from a running web UI.

    LAKEHOUSE_HOME=/tmp/lake lakehouse demo
    LAKEHOUSE_HOME=/tmp/lake lakehouse ui --port 3000
    python docs/screenshots.py http://127.0.0.1:3000 /tmp/lake

Pages show where the lake lies, so let that be a place that says nothing about the machine.
"""

import re
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

IMAGES = Path(__file__).parent / "images"
PAGES = {
    "asset-page": "/assets/silver/flights",
    "checks": "/assets/silver/flights?view=checks&checkDetail=dep_delay__mean_between",
    "model": "/assets/models/late_arrival",
}
_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run")


def graph(page: Page, url: str) -> None:
    """Takes the asset graph with the groups open that data flows through."""
    page.goto(f"{url}/asset-groups")
    page.get_by_text("Hide navigation").click(timeout=30_000)
    expect(page.get_by_text("monitoring", exact=True).last).to_be_visible(timeout=30_000)
    page.keyboard.press("Alt+e")
    expect(page.get_by_text("daily_operations", exact=True)).to_be_visible()
    page.mouse.move(1000, 900)
    page.mouse.wheel(0, 100)  # all that data flows through; maintenance stands above it
    shoot(page, "asset-graph")


def materialized(page: Page, url: str) -> None:
    """Materializes a dimension by clicking, and takes the run."""
    page.goto(f"{url}/assets/silver/airports")
    page.get_by_role("button", name=re.compile("Materialize$")).click(timeout=30_000)
    page.get_by_text("View", exact=True).click()
    expect(page.get_by_text("Success", exact=True).first).to_be_visible(timeout=60_000)
    shoot(page, "materialized")


def shoot(page: Page, name: str) -> None:
    """Waits until nothing moves any more, and takes the picture."""
    page.wait_for_timeout(3000)
    page.screenshot(path=IMAGES / f"{name}.png")


def main(url: str, home: str) -> None:
    """Takes all pictures."""
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=_ARGUMENTS)
        page = browser.new_page(viewport={"width": 1680, "height": 1000})
        for name, path in PAGES.items():
            page.goto(url + path)
            shoot(page, name)
        page.goto(f"file://{home}/docs/quality/flights/index.html")
        shoot(page, "quality")
        materialized(page, url)
        graph(page, url)
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:3])
