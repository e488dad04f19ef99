"""The modules that the bench can play.

Their geometry is stated here once more and not taken from the driver's table: an error there must show.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge_service.sensors.zfm_codes import Instruction

_EVERY_MODULE = frozenset(
    {
        Instruction.GEN_IMG,
        Instruction.IMG2TZ,
        Instruction.MATCH,
        Instruction.SEARCH,
        Instruction.REG_MODEL,
        Instruction.STORE,
        Instruction.LOAD,
        Instruction.UP_CHAR,
        Instruction.DOWN_CHAR,
        Instruction.UP_IMAGE,
        Instruction.DOWN_IMAGE,
        Instruction.DELETE,
        Instruction.EMPTY,
        Instruction.SET_SYS_PARA,
        Instruction.READ_SYS_PARA,
        Instruction.SET_PWD,
        Instruction.VFY_PWD,
        Instruction.GET_RANDOM,
        Instruction.SET_ADDR,
        Instruction.READ_INF_PAGE,
        Instruction.WRITE_NOTEPAD,
        Instruction.READ_NOTEPAD,
        Instruction.HIGH_SPEED_SEARCH,
        Instruction.TEMPLATE_COUNT,
        Instruction.READ_INDEX_TABLE,
        Instruction.GET_ECHO,
    }
)
_NEWER_MODULES = frozenset(
    {
        Instruction.GET_IMAGE_EX,
        Instruction.CANCEL,
        Instruction.AURA_LED,
        Instruction.CHECK_SENSOR,
        Instruction.GET_ALG_VER,
        Instruction.GET_FW_VER,
        Instruction.READ_PROD_INFO,
        Instruction.SOFT_RST,
        Instruction.HANDSHAKE,
    }
)


@dataclass(frozen=True, slots=True)
class ModuleModel:
    """What distinguishes one emulated model from the other.

    Attributes:
        width: of the window, in pixels.
        height: of the window, in pixels.
        system_id: what ReadSysPara tells.
        capacity: places in the template library.
        char_bytes: features of one image.
        template_bytes: a template made from several images.
        char_buffers: number of character buffers.
        instructions: what it understands.
        answers_unknown: whether it says so when it does not understand; the older ones say nothing.
        baud_at_once: whether a new baud rate holds from the next command on, or from the next power-up.
    """

    name: str
    width: int
    height: int
    system_id: int
    capacity: int
    char_bytes: int
    template_bytes: int
    char_buffers: int
    instructions: frozenset[Instruction]
    answers_unknown: bool
    baud_at_once: bool


# R503: geometry, capacity, sizes and buffers from its manual (2022.10). R307: geometry and instructions from
# the field; that it keeps silent on unknown instructions is the harder assumption for a driver.
MODULE_MODELS = {
    "R307": ModuleModel(
        "R307", 256, 288, 0, 1000, 512, 512, 2, _EVERY_MODULE, answers_unknown=False, baud_at_once=True
    ),
    "R503": ModuleModel(
        "R503",
        192,
        192,
        9,
        200,
        512,
        1536,
        6,
        _EVERY_MODULE | _NEWER_MODULES,
        answers_unknown=True,
        baud_at_once=False,
    ),
}
