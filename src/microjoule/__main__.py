"""``python -m microjoule`` is ``uj``."""

import sys

from .cli import main

sys.exit(main())
