/** A failure as the server tells it (RFC 9457), with what a person needs to report it. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly correlationId: string | null,
  ) {
    super(detail);
    this.name = "Problem";
  }

  /** The server could not be asked at all. */
  static unreachable(): Problem {
    return new Problem(0, "unreachable", "", null);
  }
}

interface ProblemDocument {
  code?: unknown;
  detail?: unknown;
  title?: unknown;
  correlation_id?: unknown;
}

const text = (value: unknown) => (typeof value === "string" ? value : null);

export function problemFrom(status: number, document: ProblemDocument, correlationId: string | null): Problem {
  return new Problem(
    status,
    text(document.code) ?? `http_${status}`,
    text(document.detail) ?? text(document.title) ?? "",
    text(document.correlation_id) ?? correlationId,
  );
}

export async function readProblem(response: Response): Promise<Problem> {
  const correlationId = response.headers.get("X-Correlation-Id");
  const isProblem = response.headers.get("Content-Type")?.includes("json") ?? false;
  const document: unknown = isProblem ? await response.json().catch(() => null) : null;
  return problemFrom(response.status, typeof document === "object" && document ? document : {}, correlationId);
}
