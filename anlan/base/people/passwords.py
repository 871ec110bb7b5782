"""What a password must be, where Django says it in English only."""

from django.contrib.auth.password_validation import MinimumLengthValidator
from django.utils.translation import gettext as _


class LongEnough(MinimumLengthValidator):
    """At least so many characters."""

    def get_error_message(self) -> str:
        return _("密码太短，至少要 %(n)d 个字符") % {"n": self.min_length}
