"""SL 651-2014 as the registry knows it."""

from anlan.links.protocols.contract import Manifest
from anlan.links.protocols.sl651.framing import LONGEST, FrameSplitter
from anlan.links.protocols.sl651.lines import decode_line
from anlan.links.protocols.sl651.packets import PacketSession
from anlan.links.protocols.sl651.report import read
from anlan.links.protocols.sl651.requests import request

MANIFEST = Manifest(
    name="sl651",
    title="水文监测数据通信规约",
    standard="SL 651-2014",
    transport="tcp",
    splitter=FrameSplitter,
    read=read,
    decode_line=decode_line,
    max_rest=LONGEST,
    session=PacketSession,
    ask=request,
)
