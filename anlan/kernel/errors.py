"""The ways a command says no. Each is shown to a person as it stands, so the message is Chinese and says what to do."""


class Refused(Exception):
    """A command did nothing, for a reason a person can act on.

    code: stable, dotted, for programs ("calls.not_heard"). message: for people. hint: what to do instead.
    """

    status = 409

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.hint = hint


class NotPermitted(Refused):
    """The actor may not do this, here. Says who may."""

    status = 403


class NotFound(Refused):
    """No such thing in what the actor may see."""

    status = 404


class Invalid(Refused):
    """Input that cannot be used; `field` names where, the message what was expected."""

    status = 422

    def __init__(self, field: str, message: str, hint: str = "") -> None:
        super().__init__(f"invalid.{field}", message, hint)
        self.field = field


class Conflict(Refused):
    """Someone else changed it first, or the state does not admit the step."""
