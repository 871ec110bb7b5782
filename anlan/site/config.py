"""Every setting of the program, typed, in one place. Read from environment variables `ANLAN_<NAME>`.

An unknown `ANLAN_…` variable is refused at start, so that a typing error never passes for a default.
"""

import os
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from anlan.kernel.modes import Mode

PREFIX = "ANLAN_"
ROOT = Path(__file__).resolve().parent.parent.parent


class ConfigError(Exception):
    """A setting that cannot be used; names the variable and what was expected."""


class Config(BaseModel):
    """The settings. Each field is set by `ANLAN_` + its name in capitals."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: Path = Field(ROOT / ".data", description="folder of the site: databases, keys, evidence, clock")
    database_url: str = Field("", description="postgresql://user:password@host:port/name; empty = SQLite in `data`")
    overrides: Path | None = Field(None, description="folder with the county's own packs, same layout as anlan/packs")
    host: str = Field("127.0.0.1", description="address that pages are served on")
    port: int = Field(8000, ge=0, le=65535, description="port of pages, API and stream; next free one if taken")
    sl651_host: str = Field("127.0.0.1", description="address that hydrology stations connect to")
    sl651_port: int = Field(6510, ge=0, le=65535, description="TCP port for SL 651 stations; next free one if taken")
    ingest_host: str = Field("127.0.0.1", description="address that pushed readings are taken on (docs/ingest.md)")
    ingest_port: int = Field(6520, ge=0, le=65535, description="HTTP port for pushed readings; next free one if taken")
    ingest_cert: Path | None = Field(None, description="certificate (PEM) of that port; empty = plain HTTP")
    ingest_key: Path | None = Field(None, description="its key (PEM)")
    ingest_body_max: int = Field(8_000_000, ge=1000, description="largest body of pushed readings, bytes")
    ingest_readings_per_s: float = Field(50_000, gt=0, description="readings a second of one token, on average")
    ingest_requests_per_s: float = Field(50, gt=0, description="requests a second of one token, on average")
    ingest_series_max: int = Field(200, ge=1, description="metrics that one device may send")
    device_rate: float = Field(10, gt=0, description="frames a second of one admitted station that are read")
    device_burst: float = Field(
        1000, ge=1, description="frames it may send at once: a day of five-minute reports twice"
    )
    stranger_rate: float = Field(10, gt=0, description="strange or broken frames a second from one host")
    stranger_burst: float = Field(600, ge=1, description="such frames at once; more, and the host is hung up on")
    refuse_s: float = Field(60, ge=0, description="seconds for which a host that was hung up on is refused")
    contest_s: float = Field(300, gt=0, description="one address by turns on two connections within so many seconds")
    contact_s: float = Field(5, gt=0, description="seconds between two writings of who was in touch")
    clock_limit_s: float = Field(300, gt=0, description="a station whose clock is off by more is shown")
    mqtt_url: str = Field("", description="broker to take readings from, mqtt[s]://user:password@host:port")
    mqtt_version: Literal["3.1.1", "5"] = Field("3.1.1", description="MQTT version that the broker speaks")
    mqtt_client_id: str = Field("anlan-gateway", description="name of the session that the broker keeps for this site")
    mqtt_ca: Path | None = Field(None, description="certificate (PEM) that vouches for the broker")
    voice_url: str = Field("", description="base address of the voice gateway (docs/voice-gateway.md)")
    voice_secret: str = Field("", description="shared secret that signs requests to and receipts from the gateway")
    public_url: str = Field("", description="address under which the gateway reaches this site; default: own address")
    demo: bool = Field(True, description="a demo site: demo county, own clock, everything marked 演练; false = real")
    demo_rate_fast: float = Field(60, gt=0, description="demo clock during a storm while no call is open, × real time")
    demo_rate_open: float = Field(4, gt=0, description="demo clock while a call is open, × real time")
    readings_fold_minutes: int = Field(10, ge=1, le=60, description="how often stored blocks are folded into chunks")
    readings_keep_block_days: int = Field(
        7, ge=3, description="blocks are kept so long after folding; judging anew after a change needs 52 h of them"
    )
    readings_keep_raw_years: int = Field(
        10, ge=1, description="single readings are kept so long, roll-ups for good; no law says how long"
    )
    debug: bool = Field(False, description="show tracebacks in the browser; never on a real site")
    secret_key: str = Field("", description="signs sessions; default: made once and kept in `data`")

    def database(self) -> dict[str, object]:
        """Django's description of the record database."""
        if not self.database_url:
            return sqlite(self.data / "record.sqlite3")
        url = urlsplit(self.database_url)
        if url.scheme not in ("postgresql", "postgres"):
            raise ConfigError(f"ANLAN_DATABASE_URL：应为 postgresql://…，得到 {url.scheme}://…")
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": url.path.lstrip("/"),
            "USER": url.username or "",
            "PASSWORD": url.password or "",
            "HOST": url.hostname or "",
            "PORT": str(url.port or ""),
            "CONN_MAX_AGE": 60,
            "CONN_HEALTH_CHECKS": True,
        }

    @property
    def mode(self) -> Mode:
        """What is said of nobody's case in particular: a demo is a drill throughout."""
        return Mode.DRILL if self.demo else Mode.REAL

    def readings_database(self) -> dict[str, object]:
        """The readings: a file of their own on SQLite, so that the gateway never waits for the desk."""
        return self.database() if self.database_url else sqlite(self.data / "readings.sqlite3")


def sqlite(path: Path) -> dict[str, object]:
    """SQLite as a server of records: WAL, locks taken at once, every commit on disk."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "CONN_MAX_AGE": 60,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 10,
            "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA foreign_keys=ON;",
        },
    }


def read(environment: Mapping[str, str]) -> Config:
    """Settings from an environment. Raises ConfigError naming each wrong variable."""
    values = {key[len(PREFIX) :].lower(): value for key, value in environment.items() if key.startswith(PREFIX)}
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            name = PREFIX + str(problem["loc"][0]).upper()
            lines.append(f"{name}：{_unknown(name) if problem['type'] == 'extra_forbidden' else problem['msg']}")
        raise ConfigError("\n".join(lines)) from error


def _unknown(name: str) -> str:
    near = get_close_matches(name, [PREFIX + field.upper() for field in Config.model_fields], 1)
    return "没有这个设置" + (f"，是不是 {near[0]}？" if near else "；全部设置见 anlan/site/config.py")


@cache
def config() -> Config:
    """The settings of this process."""
    return read(os.environ)
