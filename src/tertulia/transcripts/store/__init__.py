"""The tables of the hall and their queries, private to this package."""

from tertulia.transcripts.store.facets import FacetStore
from tertulia.transcripts.store.search import SearchStore
from tertulia.transcripts.store.segments import SegmentStore
from tertulia.transcripts.store.transcripts import Known, TranscriptStore

__all__ = ["FacetStore", "Known", "SearchStore", "SegmentStore", "TranscriptStore"]
