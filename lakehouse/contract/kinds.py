"""The kinds of identifiers that tell who a person is.

They are the eighteen of the HIPAA Safe Harbor rule, 45 CFR 164.514(b)(2)(i), in its order. A
contract's waiver names them so.
"""

from __future__ import annotations

KINDS = {
    "name": "names",
    "geography": "geographic subdivisions smaller than a state",
    "date": "dates of a person's life, such as birth or admission",
    "phone": "telephone numbers",
    "fax": "fax numbers",
    "email": "email addresses",
    "ssn": "social security numbers and their like",
    "medical_record": "medical record numbers",
    "health_plan": "health plan beneficiary numbers",
    "account": "account and card numbers",
    "licence": "certificate and licence numbers",
    "vehicle": "vehicle identifiers and number plates",
    "device": "device identifiers and serial numbers",
    "url": "web addresses",
    "ip": "IP addresses",
    "biometric": "finger and voice prints and other biometric marks",
    "photo": "photographs of a face and their like",
    "unique": "any other number, mark or code that is a person's own",
}
"""Each kind with what it stands for."""
