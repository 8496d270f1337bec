"""Identifiers that a column's name gives away, together with the look of its values.

Most of the kinds have no form of their own: a medical record number is any number. What tells is
the name that people give to the column. A name alone is not enough, the values must look the part:
a column `licence` that says `MIT` is no licence number of a person.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBER = r"(_?(no|nr|num|number|id|code))?"
_CODE = r"[\w ./:#-]*\d[\w ./:#-]*"
"""A text with a digit and few other signs."""
_WORDS = r"[^\W\d_][^\d_@/\\]{0,79}"
"""What names of people are made of, in any script."""
_ANY = r"[\s\S]+"


@dataclass(frozen=True)
class Hint:
    """A kind that a column's name suggests.

    Attributes:
        kind: The kind.
        name: Regular expression of the whole column name, in lower snake case.
        shape: Regular expression of a whole value that bears the suggestion out.
    """

    kind: str
    name: str
    shape: str


HINTS = (
    Hint(
        "name",
        r"(first|last|given|family|middle|maiden|full|birth|nick|legal|preferred)_?names?"
        r"|(sur|fore)name|initials|vorname|nachname|prenom|apellidos?"
        r"|(patient|person|passenger|customer|client|employee|member|contact|guest|holder|owner"
        r"|cardholder|physician|doctor|nurse|guardian|spouse|mother|father|parent|child|relative"
        r"|beneficiary|driver|pilot|student|teacher|tenant)s?(_(first|last|full))?_?name"
        r"|patient|passenger|physician|surgeon",
        _WORDS,
    ),
    Hint(
        "geography",
        r"((home|street|postal|mailing|residential|billing|shipping|patient|customer|delivery)_)?"
        r"(address|addr)(_?(line)?_?\d)?|(home_)?street(_?(name|line|no|number))?(_?\d)?",
        r"(?s).*\w.*",
    ),
    Hint(
        "geography",
        r"(.*_)?(zip|zip_?code|post_?code|postal_?code|plz)",
        r"[A-Za-z0-9]{0,4}\d[A-Za-z0-9 -]{1,8}",
    ),
    Hint(
        "geography",
        r"(home|birth|patient|customer|residence)_?(place|city|town|county|village)"
        r"|place_of_(birth|residence)|residence|county|precinct|parish",
        _WORDS,
    ),
    Hint(
        "date",
        r"(date|day|year|time)_of_(birth|death)|(birth|death)(_?(date|day|year|time))?|birthday|dob"
        r"|dod|geburtsdatum|deceased(_(on|at|date))?"
        r"|(admission|admit|discharge|surgery)_?(date|day|time)|(admitted|discharged)(_(on|at))?",
        r".*\d.*",
    ),
    Hint(
        "fax",
        rf"((home|work|office|business)_?)?(tele)?fax{_NUMBER}",
        r"\+?[\d ()./x-]*\d[\d ()./x-]*",
    ),
    Hint(
        "phone",
        rf"((home|work|office|business|mobile|cell|contact|emergency|customer|patient)_?)?"
        rf"((tele)?(phone|fon)|mobile|cell|tel|handy|msisdn|whatsapp){_NUMBER}",
        r"\+?[\d ()./x-]{5,}\d",
    ),
    Hint("email", r"(.*_)?e_?mails?(_?(address|addr|id))?", r".*@.*"),
    Hint(
        "ssn",
        rf"ssn|ssn_?(no|last_?4)|(social_(security|insurance)|national_insurance){_NUMBER}|sin|nino"
        rf"|tin|itin|(tax|taxpayer|personal|national|civil|citizen)_?(id|no|number)|tax_file_number"
        rf"|bsn|cpf|curp|aadhaar{_NUMBER}|steuer_?id",
        _CODE,
    ),
    Hint(
        "medical_record",
        r"mrn|(medical_?record|patient|chart|health_?record|hospital|nhs|encounter|admission)"
        r"(_?(no|nr|num|number|id|code))|medical_?record|emr_?id|ehr_?id",
        _CODE,
    ),
    Hint(
        "health_plan",
        rf"(health_?(plan|insurance)|insurance|insured|policy|policy_?holder|member|beneficiary"
        rf"|subscriber)_?(no|nr|num|number|id|code)|(medicare|medicaid){_NUMBER}|mbi|hicn",
        _CODE,
    ),
    Hint(
        "account",
        r"(bank_?)?(account|acct|acc)_?(no|nr|num|number)|iban|(credit_?|debit_?)?card"
        r"_?(no|nr|num|number)|(credit|debit)_?card|ccn?_?(no|num|number)|kontonummer|routing"
        r"_?(no|number)|sort_?code",
        _CODE,
    ),
    Hint(
        "licence",
        rf"((driver'?s?|driving|medical|nursing|professional|pilot)_?)?licen[cs]e{_NUMBER}"
        rf"|dl_?(no|num|number)|certificate_?(no|nr|num|number|id)|dea{_NUMBER}|npi"
        rf"|passport{_NUMBER}",
        r"(?i)[A-Z]{0,4}[ -]?\d[A-Z0-9 -]{2,18}",
    ),
    Hint(
        "vehicle",
        rf"vin|vin_?(no|number|code)|vehicle_?(identification)?_?(no|nr|number|id)"
        rf"|((licen[cs]e|number|registration)_?)plate{_NUMBER}|plate{_NUMBER}|kennzeichen"
        rf"|vehicle_registration{_NUMBER}",
        _CODE,
    ),
    Hint(
        "device",
        r"imei|imsi|iccid|udid|meid|(device|phone|handset|implant)_?(id|no|nr|number|serial"
        r"(_?(no|nr|number))?)|serial_?(no|nr|num|number)|mac|mac_?addr(ess)?|android_id|idf[av]",
        _CODE,
    ),
    Hint("url", r"(.*_)?(url|uri|website|homepage|web_?page|web_?(address|site))", r".*\.\w.*"),
    Hint("ip", r"(.*_)?ip(v[46])?(_?addr(ess)?)?|remote_addr", r"[0-9A-Fa-f.:/]{3,}(%\w+)?"),
    Hint(
        "biometric",
        r"(.*_)?(finger_?prints?|voice_?prints?|palm_?prints?|retina(_?scan)?|iris_?(scan|code"
        r"|template)|face_?(id|print|template|embedding|encoding)|biometrics?(_?(id|template))?)",
        _ANY,
    ),
    Hint(
        "photo",
        r"(.*_)?(photo(graph)?s?|portrait|selfie|head_?shot|mug_?shot|face_?image|avatar)"
        r"(_?(url|file|path|id))?",
        _ANY,
    ),
    Hint(
        "unique",
        r"(person|people|employee|staff|student|voter|customer|client|subject|participant|donor"
        r"|user|applicant|inmate|resident|citizen)_?(no|nr|num|number|id|code)"
        r"|user_?name|login(_?(name|id))?|screen_?name|twitter(_?handle)?|cookie_?id",
        r"\S+",
    ),
)
"""What column names suggest."""


def suggested(column: str) -> tuple[Hint, ...]:
    """Returns the hints that a column's name gives.

    >>> [hint.kind for hint in suggested("dateOfBirth")]
    ['date']
    >>> suggested("tailnum")
    ()
    """
    name = _snake(column)
    return tuple(hint for hint in HINTS if re.fullmatch(hint.name, name))


def _snake(name: str) -> str:
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", parted.lower()).strip("_")
