"""Analysis put together: who reads conversations, who answers questions, and their routes."""

from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import APIRouter

from tertulia.analysis import api, ask_api, domain
from tertulia.analysis.asking import Asking
from tertulia.analysis.modelled import Modelled
from tertulia.analysis.service import AnalysisService
from tertulia.analysis.tasks import AnalysisTasks
from tertulia.identity.access import Access
from tertulia.kernel.database import Transaction
from tertulia.kernel.errors import StartError
from tertulia.kernel.settings import Settings
from tertulia.language.service import LanguageService
from tertulia.server.ground import Callers, Ground
from tertulia.transcripts.domain import Kind, Transcript
from tertulia.transcripts.service import TranscriptService


@dataclass(frozen=True, slots=True)
class Analyses:
    """The parts of analysis."""

    service: AnalysisService
    asking: Asking
    hall: TranscriptService

    def routers(self, access: Access) -> Iterator[APIRouter]:
        yield api.router(self.service, self.hall, access)
        yield ask_api.router(self.asking, access)


def build_analysis(
    ground: Ground, callers: Callers, hall: TranscriptService, language: LanguageService
) -> Analyses:
    """Puts it together and registers its job; what it keeps goes with its transcripts and its space."""
    settings, jobs = ground.settings, ground.jobs
    callers.identity.scopes.register(
        domain.RUN, "Have conversations analysed and ask them questions, which may cost money."
    )
    for name, (meaning, example) in domain.OUTSIDE.items():
        ground.webhooks.types.register(name, meaning, example)
    service = AnalysisService(
        hall=hall,
        language=language,
        ledger=callers.ledger,
        jobs=jobs,
        clock=ground.clock,
        announcer=ground.events,
        outside=ground.webhooks,
    )
    timeout = settings.llm_timeout_seconds
    AnalysisTasks(service, Modelled(language, timeout_seconds=timeout)).register(jobs)
    hall.before_erasure(service.forget)
    callers.identity.spaces.before_removal(service.delete_space)
    kinds = _kinds(settings)

    async def analyse(tx: Transaction, whole: Transcript) -> None:
        if whole.kind in kinds:
            await service.first(tx, whole)

    hall.after_writing(analyse)
    asking = Asking(ground.database, hall, service, language, timeout_seconds=timeout)
    return Analyses(service, asking, hall)


def _kinds(settings: Settings) -> frozenset[Kind]:
    """The kinds that are analysed without being asked for."""
    known = {kind.value for kind in Kind}
    for name in settings.analyse:
        if name not in known:
            raise StartError(f"TERTULIA_ANALYSE takes {', '.join(sorted(known))}, not {name}.")
    return frozenset(Kind(name) for name in settings.analyse)
