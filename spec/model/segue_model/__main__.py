"""The command: explores the scenarios, or shows the shortest story that breaks without a rule.

python -m segue_model                   every scenario to its end, with all rules
python -m segue_model --without epoch   the shortest story that breaks without that rule
python -m segue_model --list            the rules, the properties and the scenarios
"""

from __future__ import annotations

import argparse
import sys

from segue_model.explore import Result, explore
from segue_model.properties import PROPERTIES
from segue_model.rules import ALL, RULES
from segue_model.scenarios import SCENARIOS

__all__ = ["main"]


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 where no property breaks, 1 where one does, as is the point of `--without`."""
    parser = argparse.ArgumentParser(
        prog="python -m segue_model", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--list", action="store_true", help="list rules, properties and scenarios, and explore nothing")
    parser.add_argument(
        "--without", action="append", default=[], metavar="RULE", choices=RULES, help="switch a rule off; repeatable"
    )
    parser.add_argument(
        "--scenario",
        action="append",
        metavar="NAME",
        choices=SCENARIOS,
        help="explore this one; repeatable. Default: with --without those that the rules are shown in, else all",
    )
    args = parser.parse_args(argv)
    if args.list:
        _list()
        return 0
    names = args.scenario or list(dict.fromkeys(RULES[name].scenario for name in args.without)) or list(SCENARIOS)
    broken = False
    for name in names:
        result = explore(SCENARIOS[name], ALL - set(args.without))
        _tell(name, result)
        broken = broken or result.broken is not None
    return 1 if broken else 0


def _list() -> None:
    print("rules, and the property that breaks without each:")
    for rule in RULES.values():
        print(f"  {rule.name:<24}{rule.says}")
        print(f"  {'':<24}{', '.join(rule.requirements)}; scenario {rule.scenario}; breaks: {rule.breaks}")
    print("\nproperties:")
    for prop in PROPERTIES:
        print(f"  {prop.name:<30}{prop.says}")
    print("\nscenarios:")
    for scenario in SCENARIOS.values():
        print(f"  {scenario.name:<16}{scenario.about}")


def _tell(name: str, result: Result) -> None:
    size = f"{result.states} states, {result.transitions} steps, {result.seconds:.1f} s"
    if result.broken is None:
        print(f"{name}: no property breaks ({size}, {result.ends} ends)")
        return
    says = next(prop.says for prop in PROPERTIES if prop.name == result.broken.name)
    print(f"{name}: {result.broken.name} breaks ({size}): {says}")
    for number, line in enumerate(result.broken.trace, 1):
        print(f"  {number:>2}. {line}")


if __name__ == "__main__":
    sys.exit(main())
