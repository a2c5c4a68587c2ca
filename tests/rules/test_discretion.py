"""Law 7: what people said, audio and secrets never reach a log line, a metric's label or an exception's message."""

import ast
from collections.abc import Iterator

import pytest
from tests.rules.source import Module, Rule, dotted, keeps, planted

pytestmark = pytest.mark.unit

LOGGERS = {"log", "logger", "logging", "_log"}
LEVELS = {"debug", "info", "warning", "error", "critical", "exception", "log", "bind", "msg"}
TOLD = {
    "text", "texts", "transcript", "transcription", "utterance", "segment", "segments", "words", "sentence",
    "audio", "pcm", "pcm16", "samples", "sound", "speech", "prompt", "hotwords", "reply", "message_text",
    "password", "secret", "token", "credential", "credentials", "authorization", "cookie", "api_key",
    "email", "original_name", "filename", "body", "payload", "content",
}  # fmt: skip
"""Names of what must not be told. A count or a length of them may be."""
SUFFIXES = (
    "_text",
    "_transcript",
    "_audio",
    "_secret",
    "_token",
    "_password",
    "_key_secret",
    "_email",
)
ERRORS = {"error", "exc", "exception", "err", "e"}
COUNTS = {"len", "sum", "type", "bool", "int"}
QUOTING = {"str", "repr", "format"}
"""What gives an exception's message away; other functions may pick what can be told of it."""
PLAIN_ATTRIBUTES = {
    "code",
    "status",
    "size",
    "name",
    "kind",
    "sqlstate",
    "errno",
    "strerror",
    "id",
    "key",
}


def logs_are_discreet(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and _is_log(node.func):
            for name in told_by([*node.args, *(k.value for k in node.keywords)], errors=True):
                yield (
                    f"{module.at(node)} logs `{name}`, which may be what somebody said or a secret. "
                    "Log an id, a count or an error's code."
                )


def labels_are_discreet(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and dotted(node.func).endswith(".labels"):
            for name in told_by([*node.args, *(k.value for k in node.keywords)], errors=True):
                yield f"{module.at(node)} labels a metric with `{name}`. Labels are names of our own making."


def exceptions_are_discreet(module: Module) -> Iterator[str]:
    """A command quotes its own arguments, and a start its settings, to the person who wrote them."""
    if module.package == "cli":
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            if dotted(node.exc.func) == "StartError":
                continue
            filled = [a for a in node.exc.args if isinstance(a, (ast.JoinedStr, ast.BinOp))]
            for name in told_by(filled, errors=False):
                yield (
                    f"{module.at(node)} puts `{name}` into an exception's message, which is logged and answered. "
                    "Say what is wrong without quoting it."
                )


def _is_log(function: ast.AST) -> bool:
    name = dotted(function)
    *owner, method = name.split(".")
    return method in LEVELS and bool(owner) and owner[-1].removesuffix("()") in LOGGERS


def told_by(values: list[ast.expr], *, errors: bool) -> Iterator[str]:
    """Names in these values whose content would be told; what is only counted is left out."""
    waiting: list[ast.AST] = list(values)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Call):
            if dotted(node.func) in COUNTS:
                continue
            if dotted(node.func) not in QUOTING:
                yield from told_by([*node.args, *(k.value for k in node.keywords)], errors=False)
                continue
        if isinstance(node, ast.Attribute):
            if node.attr in PLAIN_ATTRIBUTES:
                continue
            if _is_told(node.attr, errors=False):
                yield node.attr
        if isinstance(node, ast.Name) and _is_told(node.id, errors=errors):
            yield node.id
        if isinstance(node, ast.Dict):
            keys = [k.value for k in node.keys if isinstance(k, ast.Constant)]
            yield from (k for k in keys if isinstance(k, str) and _is_told(k, errors=False))
        waiting.extend(ast.iter_child_nodes(node))


def _is_told(name: str, *, errors: bool) -> bool:
    return name in TOLD or name.endswith(SUFFIXES) or (errors and name in ERRORS)


RULES: list[Rule] = [logs_are_discreet, labels_are_discreet, exceptions_are_discreet]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_program_keeps(rule: Rule) -> None:
    keeps(rule)


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (logs_are_discreet, "log.info('heard %s', text)"),
        (logs_are_discreet, "log.info('heard', extra={'words': n})"),
        (logs_are_discreet, "log.info('heard', extra={'n': segment.text})"),
        (
            logs_are_discreet,
            "logging.getLogger(__name__).warning('x'), log.error(f'no {password}')",
        ),
        (logs_are_discreet, "self.log.warning('failed: %s', error)"),
        (logs_are_discreet, "log.info('x', reply=reply)"),
        (logs_are_discreet, "log.info('x', extra={'why': str(error)})"),
        (logs_are_discreet, "log.info('x', extra={'a': shorten(text)})"),
        (logs_are_discreet, "log.debug('x', extra={'a': settings.database_token})"),
        (labels_are_discreet, "counter.labels(transcript).inc()"),
        (labels_are_discreet, "counter.labels(who=user.email).inc()"),
        (exceptions_are_discreet, "raise ValueError(f'cannot read {text}')"),
        (exceptions_are_discreet, "raise ValueError('cannot read %s' % token)"),
    ],
)
def test_an_indiscretion_is_found(rule: Rule, code: str) -> None:
    assert list(rule(planted(code)))


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (logs_are_discreet, "log.info('heard', extra={'characters': len(text)})"),
        (logs_are_discreet, "log.warning('failed', extra={'code': error.code})"),
        (logs_are_discreet, "log.warning('failed (%s)', type(error).__name__)"),
        (logs_are_discreet, "log.warning('failed (%s)', kind_of(error))"),
        (exceptions_are_discreet, "raise StartError(f'{text} is no network')"),
        (labels_are_discreet, "histogram.labels(method, route, status)"),
        (exceptions_are_discreet, "raise ValueError(f'longer than {limit} characters')"),
    ],
)
def test_what_tells_nothing_is_left_alone(rule: Rule, code: str) -> None:
    assert not list(rule(planted(code)))
