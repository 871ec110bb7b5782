"""example as the registry knows it."""

from anlan.links.protocols.contract import Manifest
from anlan.site.cli.skeleton.codec import LONGEST, LineSplitter
from anlan.site.cli.skeleton.report import decode_line, read

MANIFEST = Manifest(
    name="example",
    title="example",
    standard="",
    transport="tcp",
    splitter=LineSplitter,
    read=read,
    decode_line=decode_line,
    max_rest=LONGEST,
)
