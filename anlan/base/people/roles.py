"""Roles: packs that say what a role may do and where it starts. Never: a permission written into a view."""

from functools import cache
from typing import Literal

from pydantic import Field, model_validator

from anlan.kernel.packs import Pack, load_family
from anlan.ui.language import say

PERMISSIONS: dict[str, str] = {
    "alarms.read": "看警情和事件",
    "alarms.acknowledge": "确认警情",
    "alarms.clear": "签字解除警情",
    "incidents.close": "关闭事件",
    "calls.read": "看叫应",
    "calls.answer": "应答叫应",
    "calls.steer": "指挥叫应：重呼、升级、派人上门",
    "tasks.do": "办任务",
    "tasks.assign": "派任务",
    "tasks.verify": "核验任务",
    "places.read": "看对象和地图",
    "places.write": "改对象",
    "people.read": "看岗位人员（脱敏）",
    "people.write": "改岗位人员",
    "sensing.read": "看监测数据",
    "sensing.admit": "登记、停用设备，处理未登记的站",
    "sensing.ask": "召测和校时",
    "sensing.enter": "录入人工数据",
    "rules.read": "看规则",
    "rules.edit": "改规则的数字，试算、启用和撤销",
    "journal.read": "查记录",
    "exports.make": "导出",
    "accounts.manage": "管理账号",
    "demo.run": "控制演示",
}

POST_ROLES = {"town_leader": "包乡领导", "monitor": "监测员"}


class RolePack(Pack):
    """One role."""

    key: str = Field(pattern=r"^[a-z_]+$")
    group: Literal["duty", "leader", "town", "village", "system", "audit"] = Field(description="navigation tree")
    permissions: tuple[str, ...]
    home: str = Field(description="name of the first page")
    sensitivity: int = Field(ge=0, le=2)

    @model_validator(mode="after")
    def known_permissions(self) -> "RolePack":
        unknown = set(self.permissions) - set(PERMISSIONS)
        if unknown:
            raise ValueError(f"unknown permissions: {', '.join(sorted(unknown))}")
        return self


@cache
def roles() -> dict[str, RolePack]:
    """All roles by key."""
    return {pack.key: pack for pack in load_family("roles", RolePack).values()}


def role_title(role: str) -> str:
    """A role in the reader's language; posts also have roles that no account holds."""
    return say(roles()[role].title if role in roles() else POST_ROLES.get(role, role))
