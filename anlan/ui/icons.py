"""The drawings of the design, by name: bodies of 24 × 24 stroke icons. Never: a picture fetched from elsewhere."""

ICONS: dict[str, str] = {
    "desk": '<path d="M3 12h18M5 12v7M19 12v7M8 12V6h8v6"/>',
    "map": '<path d="M9 4 3 6.5v13L9 17l6 2.5 6-2.5V4l-6 2.5z"/><path d="M9 4v13M15 6.5v13"/>',
    "bell": '<path d="M6 16V11a6 6 0 0 1 12 0v5l1.5 2h-15z"/><path d="M10 20.5a2 2 0 0 0 4 0"/>',
    "phone": '<path d="M6.5 3.5h3l1.5 4-2 1.5a12 12 0 0 0 6 6l1.5-2 4 1.5v3a2 2 0 0 1-2 2A15.5 15.5 0 0 1 4.5 5.5'
    'a2 2 0 0 1 2-2z"/>',
    "people": '<circle cx="9" cy="8" r="3"/><path d="M3.5 19c0-3.5 2.5-5.5 5.5-5.5s5.5 2 5.5 5.5"/>'
    '<path d="M15.5 5.5a3 3 0 0 1 0 5.5M17 14c2.2.6 3.5 2.4 3.5 5"/>',
    "doc": '<path d="M6 3.5h8l4 4v13H6z"/><path d="M14 3.5v4h4M9 12h6M9 16h6"/>',
    "flag": '<path d="M6 21V4M6 4.5h11l-2.5 4 2.5 4H6"/>',
    "list": '<path d="M8 6h12M8 12h12M8 18h12"/><path d="M4 6h.01M4 12h.01M4 18h.01" stroke-width="3"/>',
    "walk": '<circle cx="13" cy="4.5" r="1.8"/><path d="M13 8.5 9.5 10l-1.5 3M13 8.5l-1 6 3.5 2.5 1 4M12 '
    '14.5l-2 6.5M13 8.5l2 3 3 1"/>',
    "shield": '<path d="M12 3.5 5 6v6c0 4.5 3 7.5 7 8.5 4-1 7-4 7-8.5V6z"/>',
    "house": '<path d="M4 11.5 12 4.5l8 7"/><path d="M6 10v9.5h12V10"/><path d="M10 19.5V14h4v5.5"/>',
    "box": '<path d="m12 3.5 8 4v9l-8 4-8-4v-9z"/><path d="m4 7.5 8 4 8-4M12 11.5v9"/>',
    "grid": '<path d="M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z"/>',
    "gear": '<circle cx="12" cy="12" r="3"/><path d="M12 3v3M12 18v3M3 12h3M18 12h3M5.6 5.6l2.2 2.2M16.2 '
    '16.2l2.2 2.2M18.4 5.6l-2.2 2.2M7.8 16.2l-2.2 2.2"/>',
    "pin": '<path d="M12 21s6.5-6 6.5-11a6.5 6.5 0 0 0-13 0c0 5 6.5 11 6.5 11z"/><circle cx="12" cy="10" r="2.3"/>',
    "search": '<circle cx="11" cy="11" r="6.5"/><path d="m16 16 4.5 4.5"/>',
    "pen": '<path d="M5 19l1-4L16.5 4.5l3 3L9 18z"/>',
    "speaker": '<path d="M4 10v4h3l7 4.5v-13L7 10z"/><path d="M17.5 9a4.5 4.5 0 0 1 0 6M20 6.5a8 8 0 0 1 0 11"/>',
    "clock": '<circle cx="12" cy="12" r="8.5"/><path d="M12 7v5l3.5 2"/>',
    "waves": '<path d="M3 9c2 0 2-1.5 4.5-1.5S10 9 12 9s2-1.5 4.5-1.5S19 9 21 9M3 14c2 0 2-1.5 4.5-1.5S10 14 '
    '12 14s2-1.5 4.5-1.5S19 14 21 14M3 19c2 0 2-1.5 4.5-1.5S10 19 12 19s2-1.5 4.5-1.5S19 19 21 19"/>',
    "rain": '<path d="M7 15a4 4 0 0 1 .5-8 5 5 0 0 1 9.5 1.5 3.3 3.3 0 0 1 0 6.5z"/><path d="M8.5 18l-1 '
    '2.5M12.5 18l-1 2.5M16.5 18l-1 2.5"/>',
    "unknown": '<circle cx="12" cy="12" r="8.5"/><path d="M9.5 9.5a2.5 2.5 0 1 1 3.5 2.3c-.7.4-1 .8-1 '
    '1.7M12 16.8v.1"/>',
    "ok": '<path d="m5 12.5 4.5 4.5L19 7.5"/>',
    "close": '<path d="M6 6l12 12M18 6 6 18"/>',
    "warn": '<path d="M12 4 2.5 20h19z"/><path d="M12 10v4.5M12 17.3v.1"/>',
    "layers": '<path d="m12 4 9 4.5-9 4.5-9-4.5z"/><path d="m3 12.5 9 4.5 9-4.5"/>',
    "down": '<path d="M12 4v11M7 11l5 5 5-5M5 20h14"/>',
    "camera": '<path d="M4 8h3l1.5-2.5h7L17 8h3v11H4z"/><circle cx="12" cy="13" r="3.5"/>',
    "out": '<path d="M14 4h5v16h-5M4 12h10M10 8l4 4-4 4"/>',
    "play": '<path d="M7 5v14l11-7z"/>',
    "book": '<path d="M5 4.5h6a2 2 0 0 1 1 1.7V20a2 2 0 0 0-1-1H5zM19 4.5h-6a2 2 0 0 0-1 1.7V20a2 2 0 0 1 1-1h6z"/>',
    "task": '<path d="M5 4h14v16H5z"/><path d="m8.5 12 2.5 2.5 4.5-5M9 4v2h6V4"/>',
    "tower": '<path d="M12 3v18M8 21l4-12 4 12M6.5 6a7 7 0 0 1 11 0M9 8a4 4 0 0 1 6 0"/>',
}
LOGO = (
    '<svg viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="7" fill="var(--brand)"/>'
    '<path d="M6 13c3.3 0 3.3-2.5 6.7-2.5S16 13 19.3 13 22.7 10.5 26 10.5" fill="none" '
    'stroke="var(--brand-on)" stroke-width="2.4" stroke-linecap="round" opacity=".55"/><path d="M6 21h20" '
    'stroke="var(--brand-on)" stroke-width="2.8" stroke-linecap="round"/></svg>'
)
