"""Files as they are delivered: their structure, their records, their typed values.

`csv` reads delimited files. Another format is another module with the same face.
"""

__all__: list[str] = []
