"""Identifiers that a value gives away by its own form, whatever its column is called.

Each detector has a sieve, a regular expression that DuckDB runs over all distinct values (so it
keeps to what RE2 knows), and a test that runs on the few values that pass. The libraries of the
tests are imported when first needed: most columns have no candidate at all.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

_EMAIL = r"[A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,24}"
_SSN = r"\b\d{3}-\d{2}-\d{4}\b"
_IBAN = r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"
_CARD = r"\b(?:4\d{3}|5[1-5]\d{2}|2[2-7]\d{2}|3[47]\d{2}|6(?:011|5\d{2}))(?:[ -]?\d{2,6}){2,3}\b"
_PHONE = r"(?:\+\d[\d ()./-]{6,18}\d|(?:\(\d{3}\) ?|\b\d{3}[ .-])\d{3}[ .-]\d{4}\b)"
_URL = r"(?i)\b(?:https?://|www\.)[^\s/$.?#]+\.[^\s]+"
_IP = r"\b(?:\d{1,3}\.){3}\d{1,3}\b|^[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}$"
_MAC = r"(?i)^[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}$"
_IMEI = r"^\d{15}$|^\d{2}-\d{6}-\d{6}-\d$"
_VIN = r"^[A-HJ-NPR-Z0-9]{8}[0-9X][A-HJ-NPR-Z0-9]{8}$"
_MEDICARE = r"^[1-9][L][L0-9]\d-?[L][L0-9]\d-?[L]{2}\d\d$".replace("L", "AC-HJKMNP-RT-Y")
_STREET = (
    r"(?i)^\d{1,6}[a-z]?,? +(?:[\w.'-]+ +){1,4}(?:street|st|avenue|ave|road|rd|boulevard|blvd|lane"
    r"|ln|drive|dr|court|ct|place|pl|square|sq|terrace|way)\b\.?"
)
_TITLE = r"^(?:Mr|Mrs|Ms|Miss|Dr|Prof|Herr|Frau|Mme|Sr|Sra)\.? (?:[A-Z][\w.'’-]*[ ,]*){1,4}$"
_IMAGE = r"^(?:data:image/[a-z+]+;base64,|/9j/[A-Za-z0-9+/]{16}|iVBORw0KGgo[A-Za-z0-9+/]{16})"


@dataclass(frozen=True)
class Detector:
    """How one kind shows in values.

    Attributes:
        kind: The kind.
        sieve: Regular expression that finds a candidate within a value.
        test: Says whether a candidate is the real thing.
        certain: True if one hit suffices; otherwise a clear share of the values must be hits.
        trust: Smallest share of the candidates that must pass the test. Where the sieve alone is
            weak and numbers pass the test by chance, a column of other numbers is told apart so.
    """

    kind: str
    sieve: str
    test: Callable[[str], bool]
    certain: bool = False
    trust: float = 0.0

    def sifts(self, value: str) -> bool:
        """Returns whether a value has a candidate in it."""
        return _compiled(self.sieve).search(value) is not None

    def hits(self, value: str) -> bool:
        """Returns whether a value has the identifier in it."""
        return any(self.test(found.group()) for found in _compiled(self.sieve).finditer(value))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


def _yes(_: str) -> bool:
    return True


def _is_ssn(text: str) -> bool:
    from stdnum.us import ssn

    return ssn.is_valid(text)


def _is_iban(text: str) -> bool:
    from stdnum import iban

    return iban.is_valid(text)


def _is_card(text: str) -> bool:
    from stdnum import luhn

    digits = re.sub(r"\D", "", text)
    return len(digits) == (15 if digits[0] == "3" else 16) and luhn.is_valid(digits)


def _is_imei(text: str) -> bool:
    from stdnum import imei

    return imei.is_valid(text)


def _is_phone(text: str) -> bool:
    import phonenumbers

    try:
        # without a leading +, only numbers written as in North America pass the sieve
        return phonenumbers.is_valid_number(phonenumbers.parse(text, "US"))
    except phonenumbers.NumberParseException:
        return False


def _is_ip(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not address.is_unspecified


def _is_vin(text: str) -> bool:
    """Whether the ninth character is the check digit of ISO 3779 as North America has it."""
    letters = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", "12345678123457923456789", strict=True))
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    digits = (int(letters.get(character, character)) for character in text)
    total = sum(digit * weight for digit, weight in zip(digits, weights, strict=True))
    return not text.isdigit() and text[8] == "0123456789X"[total % 11]


DETECTORS = (
    Detector("email", _EMAIL, _yes, certain=True),
    Detector("ssn", _SSN, _is_ssn, certain=True, trust=0.5),
    Detector("account", _IBAN, _is_iban, certain=True),
    Detector("account", _CARD, _is_card, certain=True, trust=0.5),
    Detector("photo", _IMAGE, _yes, certain=True),
    Detector("phone", _PHONE, _is_phone, trust=0.5),
    Detector("url", _URL, _yes),
    Detector("ip", _IP, _is_ip, trust=0.5),
    Detector("device", _MAC, _yes),
    Detector("device", _IMEI, _is_imei, trust=0.5),
    Detector("vehicle", _VIN, _is_vin, trust=0.5),
    Detector("health_plan", _MEDICARE, _yes),
    Detector("geography", _STREET, _yes),
    Detector("name", _TITLE, _yes),
)
"""What values show."""
