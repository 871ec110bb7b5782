"""Django's settings, derived from `config.py`. Nothing is read from the environment here."""

import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django_stubs_ext

from anlan.kernel.packs import override_with
from anlan.site.config import Config, config

django_stubs_ext.monkeypatch()


def _secret_key(conf: Config) -> str:
    """The configured key, else one made at first start and kept beside the databases (owner may read it only)."""
    if conf.secret_key:
        return conf.secret_key
    path = conf.data / "secret_key"
    if not path.exists():
        conf.data.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48), encoding="ascii")
    return path.read_text(encoding="ascii").strip()


CONFIG = config()
# The county's own files first, then what was changed on the pages of this site: the last folder is the one they write.
override_with([folder for folder in (CONFIG.overrides, CONFIG.data / "overrides") if folder])
BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = _secret_key(CONFIG)
DEBUG = CONFIG.debug
EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104  compared with, not bound to
_named = [CONFIG.host, urlsplit(CONFIG.public_url).hostname or "localhost"]
ALLOWED_HOSTS = ["*"] if CONFIG.host in EVERY_ADDRESS else ["127.0.0.1", "localhost", "testserver", *_named]

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "ninja",  # its documentation page, from files of our own host
    "anlan.ui",
    "anlan.base.journal",
    "anlan.base.places",
    "anlan.base.people",
    "anlan.base.tasks",
    "anlan.loop.sensing",
    "anlan.loop.alarms",
    "anlan.loop.calls",
    "anlan.desk",
    "anlan.site",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "anlan.ui.language.ChineseFirst",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "anlan.base.people.middleware.ActorMiddleware",
    "anlan.ui.acts.RefusedMiddleware",
]
ROOT_URLCONF = "anlan.site.urls"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "anlan.ui.context.frame",
            ],
            "builtins": ["django.templatetags.i18n", "django.templatetags.static", "anlan.ui.templatetags.ui"],
        },
    }
]

FORM_RENDERER = "django.forms.renderers.TemplatesSetting"  # forms see the same tags as pages

DATABASES = {"default": CONFIG.database()}
DATABASE_ROUTERS: list[str] = []
if not CONFIG.database_url:
    DATABASES["readings"] = CONFIG.readings_database()
    DATABASE_ROUTERS = ["anlan.loop.sensing.router.ReadingsRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "people.Account"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "anlan.base.people.passwords.LongEnough", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],
        "style-src": ["'self'", "'unsafe-inline'"],  # Leaflet and ECharts position by style attributes
        "frame-ancestors": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
    }
}

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "中文"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = CONFIG.data / "static"
MEDIA_ROOT = CONFIG.data / "media"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
SILENCED_SYSTEM_CHECKS = ["security.W004", "security.W008", "security.W012", "security.W016"]  # TLS: a later step
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {"anlan": {"level": "INFO" if CONFIG.debug else "WARNING"}},
}
