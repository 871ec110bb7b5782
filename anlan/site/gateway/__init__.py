"""The gateway process: everything that measures comes in here, over any transport, and goes through the one hot path.

`feed` gathers what comes and runs the pipeline in one thread; `stations` serves protocols over TCP, `http` and `broker`
take bodies that devices push. Each answers only after the commit. Never: two processes of it on one site.
"""

from .run import run_gateway

__all__ = ["run_gateway"]
