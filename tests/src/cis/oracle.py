# Judges records by metric filter patterns, as CloudWatch documents them. Reads {"filters": {name: pattern}, "records": [text]} and writes
# {name: [true or false for each record]}.
#
# It shares nothing with the evaluator of the rules, and works the other way round: a record becomes a table of its values by their paths
# first, and a pattern a Python function by way of regular expressions.
import json
import re
import sys


class Number(str):
    """A number as it is written."""


def table(value, path=()):
    """Lists every value of a record by its path: names as text, places as numbers."""
    rows = {path: value}
    if isinstance(value, dict):
        for name, inner in value.items():
            rows.update(table(inner, path + (name,)))
    if isinstance(value, list):
        for place, inner in enumerate(value):
            rows.update(table(inner, path + (place,)))
    return rows


NAME = r"[\w-]+"
BRACKET = r"\[(?:\d+|\*|'[^']*'|\"[^\"]*\")\]"
TOKENS = re.compile(
    rf"""\s*(?:
    (?P<selector>\$(?:\.{NAME}|\.\*|\.?{BRACKET})+)
  | (?P<quoted>"(?:\\.|[^"\\])*")
  | (?P<regex>%[^%]*%)
  | (?P<test>(?:IS\s+NULL|IS\s+TRUE|IS\s+FALSE|NOT\s+EXISTS)(?![\w]))
  | (?P<mark>\|\||&&|<=|>=|!=|[()=<>])
  | (?P<bare>[^\s(){{}}"&|=<>!%]+)
)""",
    re.X | re.I,
)
STEP = re.compile(rf"\.(\*)|\.({NAME})|\.?\[(\d+)\]|\.?\[(\*)\]|\.?\[['\"](.*?)['\"]\]")


def steps(selector):
    found = []
    for every, name, place, each, quoted in STEP.findall(selector[1:]):
        found.append(("member",) if every else ("element",) if each else int(place) if place else name or quoted)
    return found


def fits(path, wanted):
    if len(path) != len(wanted):
        return False
    for part, want in zip(path, wanted):
        if want == ("member",):
            if not isinstance(part, str):
                return False
        elif want == ("element",):
            if not isinstance(part, int):
                return False
        elif type(part) is not type(want) or part != want:
            return False
    return True


def scalar(value):
    return isinstance(value, (str, bool))


def like(text):
    parts = [re.escape(part) for part in text.split("*")]
    return re.compile(".*".join(parts), re.S)


def equal(literal):
    """Returns a function that compares a scalar with a value of a pattern."""
    kind, text = literal
    if kind == "quoted":
        text = re.sub(r'\\(["\\])', r"\1", text[1:-1])
        return lambda value: type(value) is str and like(text).fullmatch(value) is not None
    if kind == "regex":
        inside = re.compile(text[1:-1])
        return lambda value: type(value) is str and inside.search(value) is not None
    if re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", text):
        number = float(text)
        return lambda value: float(value) == number if type(value) is Number else value == text and type(value) is str
    return lambda value: not isinstance(value, bool) and like(text).fullmatch(value) is not None


ORDERS = {"<": "__lt__", "<=": "__le__", ">": "__gt__", ">=": "__ge__"}


def condition(selector, mark, literal):
    wanted = steps(selector)
    plain = not any(isinstance(step, tuple) for step in wanted)

    def values(rows):
        if plain:
            return [rows[tuple(wanted)]] if any(fits(path, wanted) for path in rows) else []
        return [value for path, value in rows.items() if fits(path, wanted)]

    words = mark.upper().split()
    if words == ["NOT", "EXISTS"]:
        return lambda rows: not values(rows)
    if words[0] == "IS":
        constant = {"NULL": None, "TRUE": True, "FALSE": False}[words[1]]
        return lambda rows: any(value is constant for value in values(rows))
    if mark in ORDERS:
        number = float(literal[1])
        return lambda rows: any(
            type(value) is Number and getattr(float(value), ORDERS[mark])(number) for value in values(rows)
        )
    same = equal(literal)
    return lambda rows: any(same(value) == (mark == "=") for value in values(rows) if scalar(value))


def compiled(pattern):
    """Turns a pattern into a Python expression over its conditions, which binds `and` tighter than `or` as patterns do."""
    body = pattern.strip()
    assert body[0] == "{" and body[-1] == "}", pattern
    body, at = body[1:-1].rstrip(), 0
    conditions, expression, pending = [], [], []
    while at < len(body):
        token = TOKENS.match(body, at)
        assert token, f"{pattern!r} at {at}"
        at, kind = token.end(), token.lastgroup
        text = token[kind]
        if text in ("||", "&&", "(", ")") and kind == "mark":
            expression.append({"||": " or ", "&&": " and "}.get(text, text))
            continue
        pending.append((kind, text))
        if kind == "test" or len(pending) == 3:
            literal = pending[2] if len(pending) == 3 else None
            conditions.append(condition(pending[0][1], pending[1][1], literal))
            expression.append(f"c[{len(conditions) - 1}](rows)")
            pending = []
    assert not pending, pattern
    return eval(f"lambda c: lambda rows: {''.join(expression)}")(conditions)


def main():
    task = json.load(sys.stdin)
    tables = [table(json.loads(text, parse_int=Number, parse_float=Number)) for text in task["records"]]
    judged = {name: compiled(pattern) for name, pattern in task["filters"].items()}
    json.dump({name: [bool(judge(rows)) for rows in tables] for name, judge in judged.items()}, sys.stdout)


main()
