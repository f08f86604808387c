"""Parts of the platform that admins switch on: what is off cannot be created or sold (RULES 22 of the project)."""

from typing import Protocol

from chassis.errors import Unprocessable


class ModuleOff(Unprocessable):
    code = "module-off"


class Switches(Protocol):
    """Which modules are on."""

    @property
    def ticket_include(self) -> bool: ...

    @property
    def payment_include(self) -> bool: ...

    @property
    def donation_include(self) -> bool: ...


def check(switches: Switches, ticket_type: str) -> None:
    """Raises ModuleOff (422), with a sentence that names the module, when tickets of this type are off."""
    needed = {"ticket": switches.ticket_include}
    if ticket_type.startswith("paid"):
        needed["payment"] = switches.payment_include
    if ticket_type.startswith("donation"):
        needed["donation"] = switches.donation_include
    for name, is_on in needed.items():
        if not is_on:
            raise ModuleOff(
                f"The {name} module is switched off on this platform. A server admin can switch it on.",
                meta={"module": name},
            )
