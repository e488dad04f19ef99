"""The doctor as the service's user.

Whatever root opens may leave files behind that are root's (SQLite makes two beside a database), and then the service
cannot use its own spool. It would also see ports and files that the service may not.
"""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def become_owner_of(folder: Path) -> str:
    """From now on this process, if it is root's, is the owner's of `folder`; whose that is, "" if nothing changed."""
    try:
        owner = folder.stat().st_uid
    except OSError:
        return ""
    if os.geteuid() != 0 or owner == 0:
        return ""
    try:
        user = pwd.getpwuid(owner)
        os.initgroups(user.pw_name, user.pw_gid)
        group, name = user.pw_gid, user.pw_name
    except KeyError:  # an owner without a name, as in a container
        os.setgroups([])
        group, name = folder.stat().st_gid, str(owner)
    os.setgid(group)
    os.setuid(owner)
    return name
