"""The journal: who did what to what, when. Written with the change, sealed by one worker, read sealed only."""
