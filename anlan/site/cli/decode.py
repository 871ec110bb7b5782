"""`anlan decode PROTOCOL`: a record a line on standard input, a JSON object a line on standard output."""

import json
import sys
from typing import TextIO

from anlan.links.protocols import PROTOCOLS


def decode(protocol: str, stdin: TextIO, stdout: TextIO) -> int:
    """Decode until the input ends; returns the exit status (2 = no such protocol)."""
    if protocol not in PROTOCOLS:
        sys.stderr.write(f"anlan: 没有规约 {protocol}；可用：{'、'.join(PROTOCOLS)}\n")
        return 2
    decode_line = PROTOCOLS[protocol].decode_line
    for line in stdin:
        stdout.write(json.dumps(decode_line(line), ensure_ascii=False) + "\n")
    stdout.flush()
    return 0
