"""How personal values are shown: surname only, first three and last two digits (docs/domain: household cards [S])."""


def mask_name(name: str) -> str:
    """王建国 → 王**."""
    return name[:1] + "**" if name else ""


def mask_phone(phone: str) -> str:
    """13812345621 → 138****21."""
    return f"{phone[:3]}****{phone[-2:]}" if len(phone) >= 7 else "****"
