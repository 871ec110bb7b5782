"""The loop: sensing, alarms, calls. A slice imports only those named before it; news goes up by the journal."""
