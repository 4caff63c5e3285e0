"""What people give a widget to show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from locshare_ext.errors import InvalidInput

if TYPE_CHECKING:
    from locshare_ext.client.group import Group

__all__ = ["group_of"]


def group_of(given: Any, wants: str) -> Group:
    """Return the group that is meant by its name, itself or a map of it; wants: the widget's name.

    Raises InvalidInput, ServerNotFound.
    """
    from locshare_ext.client.group import Group

    if isinstance(given, str):
        return Group(given)
    found = given if isinstance(given, Group) else getattr(given, "group", None)
    if not isinstance(found, Group):
        raise InvalidInput(
            f"{wants} wants a group's name, a Group or a GroupMap of one, got {type(given).__name__}",
            field="group",
        )
    return found
