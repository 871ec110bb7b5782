"""`python -m anlan.site.cli`."""

import sys

from . import main

sys.exit(main())
