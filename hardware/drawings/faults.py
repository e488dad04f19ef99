"""The fault tree and the light's language, from `fault-tree.toml`: the data, and the tables of the page."""

from __future__ import annotations

from typing import Literal

from hardware.drawings.data import Strict, load
from hardware.drawings.pages import PageError, table


class Span(Strict):
    """A colour for some milliseconds; `fade`: from dark to full and back in that time."""

    colour: Literal["off", "white", "yellow", "green", "blue", "red"]
    ms: int
    fade: bool = False


class Light(Strict):
    """A pattern of the light. `code` is its name in firmware/core/codes.py; `first` the question to begin with."""

    id: str
    code: str
    shows: str
    means: str
    cycle: list[Span]
    first: str

    @property
    def cycle_ms(self) -> int:
        """How long until it begins again."""
        return sum(span.ms for span in self.cycle)


class Group(Strict):
    """A number of red blinks, and the error codes behind it."""

    blinks: int
    name: str
    codes: list[str]
    action: str


class Answer(Strict):
    """What the officer says, and the question or action it leads to."""

    say: str
    to: str


class Question(Strict):
    """What to ask."""

    id: str
    ask: str
    answers: list[Answer]


class Action(Strict):
    """The one thing to do. `cause` and `bring` are for the technician."""

    id: str
    who: Literal["officer", "technician"]
    do: str
    cause: str = ""
    bring: str = ""


class FaultTree(Strict):
    """The file."""

    light: list[Light]
    group: list[Group]
    question: list[Question]
    action: list[Action]

    def node(self, name: str) -> Question | Action:
        """What an answer leads to. Raises `PageError`."""
        for node in [*self.question, *self.action]:
            if node.id == name:
                return node
        raise PageError(f"hardware/fault-tree.toml: nothing is called {name!r}")

    def reached(self, name: str, above: tuple[str, ...] = ()) -> set[str]:
        """Everything that can follow from there. Raises `PageError` when the officer would be led in a circle."""
        if name in above:
            raise PageError(f"hardware/fault-tree.toml: {' -> '.join([*above, name])} is a circle")
        node = self.node(name)
        found = {name}
        if isinstance(node, Question):
            for answer in node.answers:
                found |= self.reached(answer.to, (*above, name))
        return found


def read_tree() -> FaultTree:
    """`fault-tree.toml`, checked: every way ends in an action, everything is reached, names are unique.

    Raises `PageError`.
    """
    tree = load(FaultTree, "fault-tree.toml")
    names = [node.id for node in [*tree.question, *tree.action]]
    if len(set(names)) != len(names):
        raise PageError("hardware/fault-tree.toml: two questions or actions have one name")
    reached: set[str] = set()
    for light in tree.light:
        reached |= tree.reached(light.first)
    if lost := set(names) - reached:
        raise PageError(f"hardware/fault-tree.toml: no way leads to {sorted(lost)}")
    for group in tree.group:
        tree.node(group.action)
    return tree


def light_table(tree: FaultTree) -> str:
    """The light's language."""
    rows = [[f"`{light.code}`", light.shows, light.means, _cycle_said(light)] for light in tree.light]
    return table(("in the firmware", "the light", "means", "cycle, ms"), rows)


def group_table(tree: FaultTree) -> str:
    """What the number of red blinks says."""
    rows: list[list[str]] = []
    for group in tree.group:
        action = tree.node(group.action)
        assert isinstance(action, Action)
        rows.append(
            [f"{group.blinks}", group.name, action.do, ", ".join(f"`{code}`" for code in group.codes)]
        )
    return table(("blinks:", "means", "do", "error codes of the board"), rows)


def question_list(tree: FaultTree) -> str:
    """All questions, indented under the light they begin with."""
    lines: list[str] = []
    for light in tree.light:
        lines += ["", f"### {light.shows.capitalize()}", "", f"{light.means.capitalize()}.", ""]
        lines += _branch(tree, light.first, 0)
    return "\n".join(lines).strip()


def technician_table(tree: FaultTree) -> str:
    """What may be behind an action, and what to take along."""
    rows = [[action.do, action.cause, action.bring] for action in tree.action if action.cause or action.bring]
    return table(("when the chart says", "the cause is probably", "bring"), rows)


def _branch(tree: FaultTree, name: str, depth: int) -> list[str]:
    node = tree.node(name)
    indent = "  " * depth
    if isinstance(node, Action):
        who = "Technician" if node.who == "technician" else "Do"
        return [f"{indent}- **{who}:** {node.do}"]
    lines = [f"{indent}- {node.ask}"]
    for answer in node.answers:
        lines.append(f"{indent}  - *{answer.say}*")
        lines += _branch(tree, answer.to, depth + 2)
    return lines


def _cycle_said(light: Light) -> str:
    if len(light.cycle) == 1 and not light.cycle[0].fade:
        return "steady"
    return ", ".join(f"{span.colour} {span.ms}{' fading' if span.fade else ''}" for span in light.cycle)
