"""Real brokers for tests: NATS's (MQTT 3.1.1) and Mosquitto (3.1.1 and 5), as processes on free ports of loopback."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.gate import free_port

NATS = Path(sys.executable).parent / "nats-server"
MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
PEERS = ("nats", "mosquitto")
KINDS = [("nats", "3.1.1"), ("mosquitto", "3.1.1"), ("mosquitto", "5")]


def _nats(folder: Path, port: int) -> list[str]:
    file = folder / "nats.conf"
    file.write_text(
        f'server_name: peer\nlisten: "127.0.0.1:{free_port()}"\n'
        f'jetstream {{ store_dir: "{folder}", sync_interval: always }}\n'
        f'mqtt {{ listen: "127.0.0.1:{port}", ack_wait: "2s", max_ack_pending: 1000 }}\n'
    )
    return [str(NATS), "-c", str(file)]


def _mosquitto(folder: Path, port: int) -> list[str]:
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not installed")
    file = folder / "mosquitto.conf"
    file.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {folder}/\n"
        "autosave_interval 1\nmax_inflight_messages 200\nmax_queued_messages 100000\nuser root\n"
    )
    return [MOSQUITTO, "-c", str(file)]


@contextmanager
def broker(kind: str, folder: Path, port: int = 0) -> Iterator[int]:
    """A broker with a store of its own; yields its port. port: the one that it had before."""
    port = port or free_port()
    folder.mkdir(parents=True, exist_ok=True)
    command = _nats(folder, port) if kind == "nats" else _mosquitto(folder, port)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with Publisher(port):
            yield port
    finally:
        process.terminate()
        process.wait(10)


class Publisher:
    """A device behind the broker."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"device-{free_port()}")
        self.heard: list[tuple[str, bytes]] = []
        self.client.on_message = lambda _c, _d, message: self.heard.append((message.topic, bytes(message.payload)))
        self.client.max_inflight_messages_set(100)

    def __enter__(self) -> "Publisher":
        deadline = time.monotonic() + 15
        while True:
            try:
                self.client.connect("127.0.0.1", self.port)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        self.client.loop_start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def publish(self, topic: str, body: bytes, wait: bool = True) -> mqtt.MQTTMessageInfo:
        """QoS 1; wait: until the broker has it."""
        told = self.client.publish(topic, body, qos=1)
        if wait:
            told.wait_for_publish(15)
        return told
