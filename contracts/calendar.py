"""Time at the border: UTC inside, Asia/Shanghai wherever a person or another system reads it."""

from datetime import datetime, timedelta, timezone
from typing import Final

# Eight hours ahead of UTC all the year since 1991; so no machine needs a time zone database for it.
SHANGHAI: Final = timezone(timedelta(hours=8), "Asia/Shanghai")


def here(moment: datetime) -> datetime:
    """Return an aware time as the city's clocks show it."""
    return moment.astimezone(SHANGHAI)


def day(moment: datetime) -> str:
    """Return the day in the city as people write it: 2027年1月21日."""
    local = here(moment)
    return f"{local.year}年{local.month}月{local.day}日"


def minute(moment: datetime) -> str:
    """Return day and time in the city as people write them: 2027年1月21日 09:05."""
    return f"{day(moment)} {here(moment):%H:%M}"
