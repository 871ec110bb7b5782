"""Forms as the design draws them: one column, label above, hint, error above the field and as a summary."""

from django import forms
from django.forms.boundfield import BoundField


class PlainForm(forms.Form):
    """Base of every form of the pages. Renders through ui/form.html (fields, errors, summary)."""

    template_name = "ui/form.html"
    use_required_attribute = True

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        for name, field in self.fields.items():
            field.widget.attrs.setdefault("class", "input")
            if field.help_text:
                field.widget.attrs.setdefault("aria-describedby", f"hint_{name}")

    def rows(self) -> list[BoundField]:
        """The visible fields, in order."""
        return self.visible_fields()
