"""An analysis by chat models: part by part where a conversation is long, then put together."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from tertulia.analysis import prompts
from tertulia.analysis.domain import Felt, Point, Reading, Results, Task, What
from tertulia.analysis.forms import COMBINED, CitedForm, PointForm, form
from tertulia.analysis.material import Material, enclosed, lines
from tertulia.analysis.plain import LONGEST_SUMMARY, brief, plain
from tertulia.language.domain import Answer, ChatOptions, Link, Message, Spent
from tertulia.language.offline.text import Lexicon, Said, alike, lexicon
from tertulia.language.service import LanguageService

Answers = Mapping[str, Mapping[str, Any]]
Keep = Callable[[str, dict[str, Any], tuple[Spent, ...], float], Awaitable[bool]]
"""Makes an answer durable; False when the analysis is wanted no more."""

AT_ONCE = 3
"""Parts of one conversation that models read at a time."""
MOST_POINTS = 60
MOST_TOPICS = 8
SAME = 0.7
MAX_TOKENS = 4096


class UnwantedError(Exception):
    """The analysis was deleted, or asked for anew, while a model thought."""


class Modelled:
    """Reads conversations with the models of a chain."""

    def __init__(self, language: LanguageService, *, timeout_seconds: float) -> None:
        self._language = language
        self._options = ChatOptions(
            temperature=None,
            max_tokens=MAX_TOKENS,
            first_seconds=min(120.0, timeout_seconds),
            pause_seconds=min(60.0, timeout_seconds),
            total_seconds=timeout_seconds,
        )

    async def read(
        self,
        material: Material,
        wanted: Sequence[What],
        chain: Sequence[Link],
        kept: Answers,
        keep: Keep,
    ) -> Reading:
        """What the models found; every answer is kept as it comes, and none is asked for that is kept."""
        parts = material.parts()
        one = len(parts.each) == 1
        asked = list(wanted) if one else _asked_of_parts(wanted)
        work = _Work(self, material, chain, kept, keep, total=len(parts.each) + (not one))
        gate = asyncio.Semaphore(AT_ONCE)

        async def part(number: int, said: Sequence[Said]) -> Results:
            async with gate:
                answer = await work.answer(
                    f"part {number}", form(asked), "analyse", enclosed(lines(said))
                )
            return await asyncio.to_thread(_checked, answer, material, said)

        found = await _all([part(n, said) for n, said in enumerate(parts.each)])
        if one:
            results = found[0]
        else:
            combined = [w for w in COMBINED if w in wanted]
            results = _joined(material, found, wanted)
            if combined:
                told = "\n\n".join(_told(n, r) for n, r in enumerate(found, 1))
                answer = await work.answer("whole", form(combined), "combine", enclosed(told))
                whole = await asyncio.to_thread(_checked, answer, material, material.said)
                results = results.model_copy(update={str(w): getattr(whole, w) for w in combined})
        return Reading(
            results,
            work.provider,
            work.model,
            prompts.version(material.language),
            parts.covered,
        )

    async def ask(
        self, schema: type[BaseModel], prompt: str, text: str, chain: Sequence[Link]
    ) -> Answer[Any]:
        messages = [Message.system(prompt), Message.user(text)]
        return await self._language.answer(messages, schema, chain=chain, options=self._options)


class _Work:
    """Answers of one analysis: those that were kept, and those asked for now."""

    def __init__(
        self,
        modelled: Modelled,
        material: Material,
        chain: Sequence[Link],
        kept: Answers,
        keep: Keep,
        *,
        total: int,
    ) -> None:
        self._modelled = modelled
        self._language = material.language
        self._chain = chain
        self._kept = kept
        self._keep = keep
        self._total = total
        self._done = len(kept)
        self._tried: dict[str, None] = {}
        self.model: str | None = None

    @property
    def provider(self) -> str:
        return "|".join(self._tried)

    async def answer(
        self, name: str, schema: type[BaseModel], prompt: str, text: str
    ) -> dict[str, Any]:
        kept = self._kept.get(name)
        if kept is not None:
            return self._noted(kept)
        told = prompts.prompt(prompt, self._language)
        found = await self._modelled.ask(schema, told, text, self._chain)
        answer = {
            "value": found.value.model_dump(mode="json"),
            "provider": found.provider,
            "model": found.model,
        }
        self._done += 1
        # the last step is the writing down of the whole
        share = min(0.95, self._done / (self._total + 0.5))
        if not await self._keep(name, answer, found.spent, share):
            raise UnwantedError
        return self._noted(answer)

    def _noted(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        self._tried |= dict.fromkeys(str(answer["provider"]).split("|"))
        self.model = answer["model"]
        value: dict[str, Any] = answer["value"]
        return value


async def _all(work: Sequence[Awaitable[Results]]) -> list[Results]:
    """Every part; the first failure stops the others, and is the one that is told."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _asked_of_parts(wanted: Sequence[What]) -> list[What]:
    """A summary of every part is what the whole is put together from."""
    asked = set(wanted)
    if asked & set(COMBINED):
        asked |= {What.SUMMARY}
    return [w for w in What if w in asked]


def _checked(value: Mapping[str, Any], material: Material, said: Sequence[Said]) -> Results:
    """Only what rests on words that were really said is left."""
    found: dict[str, Any] = {}
    if "summary" in value:
        found["summary"] = plain(value["summary"], LONGEST_SUMMARY) or None
    for name, kind in (("tasks", Task), ("risks", Point), ("decisions", Point)):
        if name in value:
            points = [_point(p, material, said, kind) for p in value[name][:MOST_POINTS]]
            found[name] = [p for p in points if p is not None]
    if "topics" in value:
        topics = (brief(topic) for topic in value["topics"])
        found["topics"] = list(dict.fromkeys(t for t in topics if t))[:MOST_TOPICS]
    for name in ("initial_feeling", "final_feeling"):
        if (felt := value.get(name)) is not None:
            evidence = _cited(felt["evidence"], material, said)
            found[name] = Felt(feeling=felt["feeling"], score=felt["score"], evidence=evidence)
    if (reason := value.get("reason")) is not None:
        found["reason"] = _point(reason, material, said, Point)
    for name in ("reason_short", "product_type"):
        if value.get(name):
            found[name] = brief(value[name]) or None
    return Results(**found)


def _point(
    value: Mapping[str, Any], material: Material, said: Sequence[Said], kind: type[Point]
) -> Any:
    evidence = _cited(value["evidence"], material, said)
    what = plain(value["what"])
    if not evidence or not what:
        return None
    if kind is not Task:
        return Point(what=what, evidence=evidence)
    who, by = (brief(value.get(name) or "") or None for name in ("who", "by"))
    return Task(what=what, evidence=evidence, who=who, by=by)


def _cited(values: Sequence[Mapping[str, Any]], material: Material, said: Sequence[Said]) -> Any:
    cited = [CitedForm.model_validate(v) for v in values[:8]]
    found = (material.evidence(c.line, c.quote, said) for c in cited)
    kept = {(e.utterance_id, e.quote): e for e in found if e is not None}
    return list(kept.values())


def _joined(material: Material, found: Sequence[Results], wanted: Sequence[What]) -> Results:
    """What parts give by being put side by side: lists, and feelings at both ends."""
    lex = lexicon(material.language)
    joined: dict[str, Any] = {
        str(kind): _distinct(lex, [p for r in found for p in getattr(r, kind) or []])
        for kind in (What.TASKS, What.RISKS, What.DECISIONS)
        if kind in wanted
    }
    for kind, ordered in ((What.INITIAL_FEELING, found), (What.FINAL_FEELING, found[::-1])):
        if kind in wanted:
            felt = [getattr(r, kind) for r in ordered if getattr(r, kind) is not None]
            joined[str(kind)] = felt[0] if felt else None
    return Results(**joined)


def _distinct(lex: Lexicon, points: Sequence[Point]) -> list[Point]:
    kept: list[tuple[Point, list[str]]] = []
    for point in points:
        stems = lex.stems(point.what)
        if not any(alike(stems, other) >= SAME for _, other in kept):
            kept.append((point, stems))
    return [point for point, _ in kept[:MOST_POINTS]]


def _told(number: int, results: Results) -> str:
    """One part as the next step is told it: already checked, and still only material."""
    told = [f"Part {number}", results.summary or ""]
    if results.topics:
        told.append("Topics: " + ", ".join(results.topics))
    if results.reason is not None:
        quotes = "; ".join(f'"{e.quote}"' for e in results.reason.evidence)
        told.append(f"Reason: {results.reason.what} ({quotes})")
    if results.product_type:
        told.append(f"Product: {results.product_type}")
    for kind in ("decisions", "tasks"):
        points: list[PointForm] = getattr(results, kind) or []
        told += [f"{kind}: {point.what}" for point in points[:10]]
    return "\n".join(told)
