"""Who acts: what they may do, and where they may see. Made once per request, entry or job, then passed down."""

from dataclasses import dataclass, field
from uuid import UUID

from anlan.kernel.errors import NotPermitted
from anlan.kernel.modes import Mode


@dataclass(frozen=True)
class Actor:
    """A person, a device or the system itself, with the scope of what it sees.

    areas: code prefixes of the subtrees it sees ("" = everything, () = nothing).
    kinds: place kinds its department supervises; None = all of them.
    sensitivity: highest grade of personal data it may read (0 none, 1 masked contacts, 2 full).
    """

    name: str
    account_id: int | None = None
    person_id: UUID | None = None
    roles: frozenset[str] = frozenset()
    permissions: frozenset[str] = frozenset()
    areas: tuple[str, ...] = ()
    kinds: frozenset[str] | None = None
    sensitivity: int = 0
    mode: Mode = Mode.REAL
    system: bool = field(default=False)

    def may(self, permission: str) -> bool:
        return self.system or permission in self.permissions

    def require(self, permission: str) -> None:
        if not self.may(permission):
            raise NotPermitted("not_permitted", f"您的角色不能做这件事（{permission}）", "请联系县应急指挥部值班员")

    def sees_area(self, code: str) -> bool:
        return self.system or any(code.startswith(prefix) for prefix in self.areas)

    def require_area(self, code: str) -> None:
        if not self.sees_area(code):
            raise NotPermitted("out_of_area", "不在您的辖区内", "请由所在乡镇或县指挥部办理")

    @property
    def label(self) -> str:
        """How the journal names this actor without a personal value."""
        if self.account_id is not None:
            return f"account:{self.account_id}"
        return f"person:{self.person_id}" if self.person_id else f"system:{self.name}"


def system_actor(name: str, mode: Mode) -> Actor:
    """The program itself: a worker, a listener, the pipeline. Sees and may do everything in one mode."""
    return Actor(name=name, areas=("",), sensitivity=2, mode=mode, system=True)
