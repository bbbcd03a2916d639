"""The report as JSON, schema ``microjoule.report/1``: the summary itself.

Figures that a status forbids are null. Fields are only ever added within a version.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def render(summary: Mapping[str, Any]) -> str:
    """The summary as JSON text with a final newline.

    Raises:
        ValueError: A figure is not finite: null is what a missing figure is.
    """
    text = json.dumps(summary, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    # An argument that is not UTF-8 came in as lone surrogates: JSON writes those as escapes.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
