"""Prints the installed packages that the lake does not need at run time, one per line.

`make setup` installs what those need who work on the code, too: tests, linters, the two servers of
`lakehouse services`. The image leaves that out, and keeps the releases of the lock.
"""

from importlib.metadata import PackageNotFoundError, distributions, requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

KEPT = {"lakehouse", "pip", "setuptools"}


def main() -> None:
    """Prints them, sorted."""
    installed = {canonicalize_name(found.name) for found in distributions()}
    print("\n".join(sorted(installed - needed("lakehouse") - KEPT)))


def needed(root: str) -> set[str]:
    """Returns all packages that one requires here, directly or through others."""
    seen: set[tuple[str, str]] = set()
    left = [(root, "")]
    while left:
        name, extra = left.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        try:
            said = [Requirement(text) for text in requires(name) or []]
        except PackageNotFoundError:
            continue  # for another system
        here = [r for r in said if r.marker is None or r.marker.evaluate({"extra": extra})]
        left += [(canonicalize_name(r.name), e) for r in here for e in ("", *r.extras)]
    return {name for name, _ in seen}


if __name__ == "__main__":
    main()
