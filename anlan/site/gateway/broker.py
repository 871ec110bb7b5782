"""Readings from an MQTT broker (3.1.1 and 5): acknowledged by hand after the commit, so a kill loses nothing.

Topic `anlan/v1/<device>/readings`, the bodies of docs/ingest.md, QoS 1, a session that the broker keeps while we are
away. What cannot be taken is acknowledged too, or it would come for ever: it is told under `anlan/v1/<device>/refused`.
The broker decides who may publish for which device. Never: an acknowledgement of what is not on disk.
"""

import asyncio
import json
import logging
import ssl
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from anlan.links.protocols.contract import Message
from anlan.loop.alarms.pipeline import Heard
from anlan.loop.sensing.parcels import Parcel
from anlan.site.config import Config

from .feed import Feed
from .holders import Bucket, Holder
from .taking import Problem, Taker

PROTOCOL = "ingest"
ROOT = "anlan/v1"
FILTER = f"{ROOT}/+/readings"
KEEP_ALIVE_S = 30
KEEP_SESSION_S = 7 * 86_400
IN_FLIGHT = 200
"""Messages that a broker of version 5 may send before the first is acknowledged."""
AGAIN_S = 1.0
PORTS = {"mqtt": 1883, "mqtts": 8883}
log = logging.getLogger("anlan.gateway")


@dataclass(frozen=True)
class Address:
    """mqtt[s]://user:password@host:port, taken apart."""

    host: str
    port: int
    secure: bool
    user: str = ""
    password: str = ""


def address_of(url: str) -> Address:
    """Raises ValueError for another kind of address."""
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError("mqtt://host or mqtts://host, with user:password@ and :port where needed")
    return Address(
        parts.hostname, parts.port or PORTS[parts.scheme], parts.scheme == "mqtts", unquote(parts.username or ""),
        unquote(parts.password or ""),
    )  # fmt: skip


class Broker:
    """One broker as its client. Paho's own thread reads and writes; everything else happens in the event loop."""

    def __init__(self, feed: Feed, conf: Config) -> None:
        self.feed, self.conf = feed, conf
        self.where = address_of(conf.mqtt_url)
        self.taker = Taker(feed, conf.ingest_series_max, conf.ingest_body_max)
        self.holders: dict[str, Holder] = {}
        self.loop = asyncio.get_running_loop()
        self.connected = False
        self.closed = False
        self.client = self._client()

    def _client(self) -> mqtt.Client:
        five = self.conf.mqtt_version == "5"
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=self.conf.mqtt_client_id, manual_ack=True,
            protocol=mqtt.MQTTv5 if five else mqtt.MQTTv311, clean_session=None if five else False,
        )  # fmt: skip
        if self.where.user:
            client.username_pw_set(self.where.user, self.where.password or None)
        if self.where.secure:
            client.tls_set_context(ssl.create_default_context(cafile=self.conf.mqtt_ca and str(self.conf.mqtt_ca)))
        client.reconnect_delay_set(1, 30)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    def open(self) -> None:
        """Connect, and go on trying for as long as the process runs."""
        options: dict[str, object] = {}
        if self.conf.mqtt_version == "5":
            kept = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            kept.SessionExpiryInterval = KEEP_SESSION_S
            kept.ReceiveMaximum = IN_FLIGHT
            options = {"clean_start": False, "properties": kept}
        self.client.connect_async(self.where.host, self.where.port, KEEP_ALIVE_S, **options)  # type: ignore[arg-type]
        self.client.loop_start()

    def close(self) -> None:
        self.closed = True
        self.client.disconnect()
        self.client.loop_stop()

    # In paho's thread.
    def _on_connect(
        self, client: mqtt.Client, _data: object, _flags: mqtt.ConnectFlags, reason: ReasonCode, _more: object
    ) -> None:
        if reason.is_failure:
            log.warning("the broker at %s:%s refuses: %s", self.where.host, self.where.port, reason)
            return
        client.subscribe(FILTER, qos=1)
        self.connected = True
        log.info("readings from the broker at %s:%s", self.where.host, self.where.port)

    def _on_disconnect(
        self, _client: mqtt.Client, _data: object, _flags: mqtt.DisconnectFlags, reason: ReasonCode, _more: object
    ) -> None:
        self.connected = False
        if not self.closed:
            log.warning("the broker at %s:%s is gone (%s); connecting again", self.where.host, self.where.port, reason)

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        self.loop.call_soon_threadsafe(self._take, message.topic, bytes(message.payload), message.mid, message.qos)

    # In the event loop.
    def _take(self, topic: str, payload: bytes, mid: int, qos: int) -> None:
        name = topic[len(ROOT) + 1 :].rsplit("/", 1)[0]
        holder = self._holder(name)
        if holder is None:
            stranger = Message(name, "", "report", raw=payload[:2048])
            self.feed.hear(Heard(PROTOCOL, stranger, f"mqtt {self.where.host}"), lambda _yes: self._ack(mid, qos))
            return
        try:
            taken = self.taker.take(holder, payload)
        except Problem as problem:
            self._refuse(name, problem.body)
            self._ack(mid, qos)
            return
        if taken.refused:
            self._refuse(name, taken.answer())
        if len(taken.parcel):
            self._store(taken.parcel, mid, qos)
        else:
            self._ack(mid, qos)

    def _holder(self, name: str) -> Holder | None:
        """The device of a topic: a body may speak for it alone."""
        device = self.feed.pipeline.devices.get((PROTOCOL, name.upper()))
        if device is None:
            return None
        held = self.holders.get(device.address)
        if held is None or held.devices[device.address] != device.id:
            unlimited = Bucket(float("inf"))  # the broker has its own limits
            held = self.holders[device.address] = Holder(
                str(device.id), {device.address: device.id}, unlimited, unlimited
            )
        return held

    def _store(self, parcel: Parcel, mid: int, qos: int) -> None:
        def done(stored: bool) -> None:
            if stored:
                self._ack(mid, qos)
            elif not self.closed:  # a broker sends again only after a new connection: we try ourselves
                self.loop.call_later(AGAIN_S, self._store, parcel, mid, qos)

        self.feed.deliver(parcel, done)

    def _ack(self, mid: int, qos: int) -> None:
        if qos:
            self.client.ack(mid, qos)

    def _refuse(self, name: str, why: dict[str, object]) -> None:
        log.info("a body of %s from the broker was refused: %s", name, why)
        self.client.publish(f"{ROOT}/{name}/refused", json.dumps(why, ensure_ascii=False), qos=0)
