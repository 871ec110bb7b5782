"""Modbus RTU frames over a TCP connection (a serial device behind a converter, or one that speaks so itself)."""
