"""Accounts that a demo site offers on its login page. The site fills it; a site that is no demo leaves it empty."""

from dataclasses import dataclass

from anlan.kernel.registry import Registry


@dataclass(frozen=True)
class DemoLogin:
    """One account to try. The password is public: the site listens on loopback and its people are invented."""

    username: str
    title: str
    password: str


DEMO_LOGINS: Registry[DemoLogin] = Registry("demo login")
