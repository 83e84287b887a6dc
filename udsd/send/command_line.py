"""The words of a command line, read as getopt_long(3) reads them.

Options and other words may be mixed; words after `--` are not options. A letter's value follows it directly (`-tTAG`),
a long name's value follows `=`, and either may be the next word. Letters without values may be combined. A long name
may be shortened as long as it is unambiguous.

argparse is not used: with `re` and its other imports it takes as long as Python itself takes to start. Nor can it parse
all of this: a value that begins with a dash, options between words, an optional value.
"""

import os
from _collections_abc import Callable, Iterator

from udsd.errors import UdsdError

_COLUMN = 26  # where the help on an option begins


class Option:
    """An option, `spelled` as in the help: `-t, --tag TAG`, or `--id=ID` for an optional value. `text` is its help.

    `use` is called with the value, which is empty if there is none. It raises ValueError for an invalid value; the
    error message then uses `what` for the kind of value.
    """

    def __init__(self, spelled: str, use: Callable[[str], object], text: str, what: str = "value") -> None:
        *names, last = spelled.replace(",", "").split()
        if last.startswith("-"):
            names, self.value, self.may_have_value = [*names, last.partition("=")[0]], "", "=" in last
        else:
            self.value, self.may_have_value = last, True
        self.names, self.use, self._spelled, self._text, self.what = names, use, spelled, text, what

    def __str__(self) -> str:
        return "/".join(self.names)

    def help(self) -> str:
        """The option's lines in the help, one or two."""
        gap = "\n" + " " * _COLUMN if len(self._spelled) > _COLUMN - 4 else " " * (_COLUMN - 2 - len(self._spelled))
        return f"  {self._spelled}{gap}{self._text}\n"


class CommandLine:
    """The options of one program. Raises UdsdError for words that it cannot parse."""

    def __init__(self, program: str, options: list[Option]) -> None:
        self._program = program
        self._options = options

    def read(self, words: list[str]) -> list[str]:
        """Use all options that are in these words. Returns the other words."""
        others: list[str] = []
        left = iter(words)
        for word in left:
            if word == "--":
                return [*others, *left]
            if word.startswith("--"):
                self._use_name(word, left)
            elif word.startswith("-") and word != "-":
                self._use_letters(word[1:], left)
            else:
                others.append(word)
        return others

    def _use_letters(self, letters: str, left: Iterator[str]) -> None:
        while letters:
            name, letters = f"-{letters[0]}", letters[1:]
            option = next((option for option in self._options if name in option.names), None)
            if option is None:
                raise self.wrong(f"there is no option {name}")
            if option.value:
                self._use(option, letters or next(left, None))
                return
            self._use(option, "")

    def _use_name(self, word: str, left: Iterator[str]) -> None:
        name, equals, value = word.partition("=")
        option = self._named(name)
        if equals and not option.may_have_value:
            raise self.wrong(f"{option} takes no value")
        if equals and not option.value:
            self._use(option, value or " ")  # given, but empty: that is wrong, not left out
        else:
            self._use(option, value if equals or not option.value else next(left, None))

    def _named(self, name: str) -> Option:
        found = {full: option for option in self._options for full in option.names if full.startswith(name)}
        if name in found:
            return found[name]
        if not found:
            raise self.wrong(f"there is no option {name}")
        if len(found) > 1:
            raise self.wrong(f"{name} may be {' or '.join(found)}")
        return found.popitem()[1]

    def _use(self, option: Option, value: str | None) -> None:
        if value is None:
            raise self.wrong(f"{option} needs a value: {option.value}")
        try:
            option.use(value)
        except ValueError:
            raise self.wrong(f"{option}: not a {option.what}: {value.strip()!r}") from None

    def wrong(self, what: str) -> UdsdError:
        """The error to raise for an invalid command line; `what` says why."""
        return UdsdError(what, hint=f"{self._program} --help lists the options", status=os.EX_USAGE)
