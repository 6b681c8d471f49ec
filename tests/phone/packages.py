"""Apps on the phone."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Package:
    """An installed app.

    Attributes:
        instrumentations: its entries for `am instrument`, as full class names.
        debuggable: whether `run-as` lets the shell in.
    """

    id: str
    version_name: str = "0.1.0"
    version_code: int = 1
    instrumentations: tuple[str, ...] = ()
    debuggable: bool = False

    @property
    def apk(self) -> str:
        """Where its APK lies on the phone."""
        return f"/data/app/~~c3ludGhldGlj==/{self.id}-c3ludGhldGljMQ==/base.apk"
