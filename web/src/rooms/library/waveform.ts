import { useQuery } from "@tanstack/react-query";
import { api, body } from "../../api/client";
import type { Transcript } from "./hall";

const POINTS = 640;
const MEASURING_MS = 1_500;

/** How the recording looks, once it has been measured. */
export function useWaveform(transcript: Transcript): number[][] | undefined {
  const { id } = transcript;
  const query = useQuery({
    queryKey: ["hall", "waveform", id],
    queryFn: () =>
      body(api.GET("/api/transcripts/{id}/waveform", { params: { path: { id }, query: { points: POINTS } } })),
    enabled: transcript.audio !== null,
    staleTime: Number.POSITIVE_INFINITY,
    refetchInterval: (asked) => (asked.state.data && !asked.state.data.ready ? MEASURING_MS : false),
  });
  return query.data?.ready ? query.data.peaks : undefined;
}
