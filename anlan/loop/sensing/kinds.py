"""Words of the states and troubles of devices. Pure data."""

STATES = {"queued": "等站连接", "sent": "已下发", "answered": "已应答", "failed": "未应答"}
TROUBLES = {"flood": "发得太多", "stranger": "陌生来源刷报文", "contested": "同一地址两处来报", "unasked": "问不到"}
