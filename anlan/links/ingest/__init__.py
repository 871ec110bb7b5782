"""Bodies in which readings are pushed, over HTTP or a broker: JSON rows, JSON columns, packed binary (docs/ingest.md).

Bytes in, columns out, or a fault that names the row, field or byte. Never: a device looked up, a clock, storage.
"""

from .bodies import Body, BodyFault, Refusal, Tables, decode
from .packed import CONTENT_TYPE as PACKED_TYPE
from .packed import encode_packed

__all__ = ["PACKED_TYPE", "Body", "BodyFault", "Refusal", "Tables", "decode", "encode_packed"]
