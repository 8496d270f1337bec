"""Resolves the two lock files anew: every release, with the hash of every artifact of it.

`requirements.lock` is what every machine installs. `requirements-gpu.lock` is what torch's build
for GPUs, which most indexes offer, needs beside; its build for CPUs needs none of it. Both builds
are the same release in the lock, so it carries the hashes of both: those of the index, and those of
the builds for CPUs that lie in pip's folder (`find-links`) or were in the lock before.

    python .ci/lock.py [--upgrade]
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK, GPU_LOCK = ROOT / "requirements.lock", ROOT / "requirements-gpu.lock"
GPU_ONLY = ("cuda-", "nvidia-", "triton")
TORCH = "torch"


def main(options: list[str]) -> None:
    """Writes both locks.

    Args:
        options: Further options of `uv pip compile`, e.g. `--upgrade`.
    """
    before = entries(LOCK) | entries(GPU_LOCK)
    declared = [ROOT / "pyproject.toml", "--group", "dev", "--extra", "services"]
    found = resolve(before, *declared, *options)
    release = found[TORCH].split(" ", 1)[0]
    hashes = {*hashed(found[TORCH]), *cpu_builds(release)}
    if before.get(TORCH, "").startswith(f"{release} "):
        hashes.update(hashed(before[TORCH]))
    found[TORCH] = with_hashes(found[TORCH], hashes)
    for file, gpu in ((LOCK, False), (GPU_LOCK, True)):
        blocks = (block for name, block in found.items() if name.startswith(GPU_ONLY) is gpu)
        file.write_text("".join(blocks), encoding="utf-8")


def resolve(kept: dict[str, str], *words: str | Path) -> dict[str, str]:
    """Returns the entries that uv makes of requirements, from the index alone.

    Args:
        kept: Entries whose releases stay as long as they can.
        words: The requirements, and options.
    """
    environment = {name: value for name, value in os.environ.items() if name != "UV_FIND_LINKS"}
    uv = Path(sys.executable).with_name("uv")
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "requirements.lock")
        output.write_text("".join(kept.values()), encoding="utf-8")
        command = [uv, "pip", "compile", *words, "--python-version", "3.11", "--generate-hashes"]
        command += ["--no-header", "--no-emit-index-url", "--no-emit-find-links", "--quiet"]
        command += ["--output-file", output]
        subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True)
        return entries(output)


def entries(lock: Path) -> dict[str, str]:
    """Returns the lines of each package by its name, without a local version or a path."""
    text = lock.read_text(encoding="utf-8") if lock.is_file() else ""
    blocks = re.findall(r"^[a-z0-9].*\n(?:[ #].*\n)*", text, re.M)
    bare = (re.sub(r"\A([^+\s]+)\+[a-z0-9.]+", r"\1", block) for block in blocks)
    return {block.split("==", 1)[0]: block for block in bare}


def hashed(block: str) -> list[str]:
    """Returns the hashes among the lines of a package."""
    return re.findall(r"--hash=(sha256:[0-9a-f]{64})", block)


def cpu_builds(release: str) -> list[str]:
    """Returns the hashes of the builds for CPUs that lie in a folder of this machine."""
    folders = (Path(place) for place in os.environ.get("UV_FIND_LINKS", "").split(",") if place)
    builds = (file for place in folders for file in place.glob(release.replace("==", "-") + "+*"))
    return ["sha256:" + hashlib.sha256(build.read_bytes()).hexdigest() for build in builds]


def with_hashes(block: str, hashes: set[str]) -> str:
    """Returns the lines of a package with other hashes."""
    lines = [block.split(" ", 1)[0].strip(), *(f"--hash={h}" for h in sorted(hashes))]
    notes = [line for line in block.splitlines() if line.startswith("    #")]
    return "\n".join([" \\\n    ".join(lines), *notes, ""])


if __name__ == "__main__":
    main(sys.argv[1:])
