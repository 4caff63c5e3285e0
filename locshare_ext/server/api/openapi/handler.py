"""GET api/openapi.json."""

from __future__ import annotations

from locshare_ext.server.base import Handler

__all__ = ["OpenApiHandler"]


class OpenApiHandler(Handler):
    """`api/openapi.json`, for whoever has a credential: nothing is open without one."""

    async def get(self) -> None:
        """Give the document for the address at which this server was asked."""
        from locshare_ext.server.api.openapi.document import encoded  # made by who first asks

        self.query()
        site, base = self.site, self.request.path.removesuffix("/locshare/api/openapi.json")
        longest = site.invites.options.longest
        self.finish(encoded(base or "/", has_users=site.identity.has_users, longest=longest))
