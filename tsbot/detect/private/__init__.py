"""Personal data in raw text: telephone numbers, addresses, identity numbers and the like, told by form and by the words around."""

from tsbot.detect.private.exposure import exposure, is_public_contact
from tsbot.detect.private.find import find_personal
from tsbot.detect.private.spans import Exposure, Label, PersonalSpan

__all__ = ["Exposure", "Label", "PersonalSpan", "exposure", "find_personal", "is_public_contact"]
