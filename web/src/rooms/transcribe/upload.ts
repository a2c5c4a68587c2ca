import { csrfHeaders } from "../../api/client";
import { Problem, problemFrom } from "../../api/problem";

export interface UploadChoices {
  language: string;
  engine: string;
  channels: string;
}

function answerOf(request: XMLHttpRequest): object {
  try {
    const document: unknown = JSON.parse(request.responseText);
    return typeof document === "object" && document ? document : {};
  } catch {
    return {};
  }
}

/** Sends one recording; unlike fetch, XMLHttpRequest tells how far an upload has come. */
export function upload(
  file: File,
  choices: UploadChoices,
  onProgress: (share: number) => void,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const form = new FormData();
    for (const name of ["language", "engine", "channels"] as const) if (choices[name]) form.set(name, choices[name]);
    form.set("file", file);
    const request = new XMLHttpRequest();
    request.open("POST", "/api/transcribe");
    for (const [name, value] of Object.entries(csrfHeaders())) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    };
    request.onload = () => {
      if (request.status < 300) return resolve();
      reject(problemFrom(request.status, answerOf(request), request.getResponseHeader("X-Correlation-Id")));
    };
    request.onerror = () => reject(Problem.unreachable());
    signal.addEventListener("abort", () => {
      request.abort();
      resolve();
    });
    request.send(form);
  });
}
