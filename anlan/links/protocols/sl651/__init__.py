"""SL 651-2014, the telemetry protocol of China's hydrology stations (HEX form), over any byte stream."""
