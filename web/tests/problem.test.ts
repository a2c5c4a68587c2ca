import { describe, expect, it } from "vitest";
import { readProblem } from "../src/api/problem";

const answer = (body: string, status: number, headers: Record<string, string>) =>
  readProblem(new Response(body, { status, headers }));

describe("readProblem", () => {
  it("reads a problem document", async () => {
    const body = JSON.stringify({ code: "conflict", detail: "There is one already.", correlation_id: "c-1" });
    const problem = await answer(body, 409, { "Content-Type": "application/problem+json" });
    expect(problem).toMatchObject({
      status: 409,
      code: "conflict",
      detail: "There is one already.",
      correlationId: "c-1",
    });
  });

  it.each([
    ["<html>Bad gateway</html>", "text/html"],
    ["{broken", "application/json"],
    ["null", "application/json"],
  ])("makes do with %s", async (body, type) => {
    const problem = await answer(body, 502, { "Content-Type": type, "X-Correlation-Id": "c-2" });
    expect(problem).toMatchObject({ status: 502, code: "http_502", detail: "", correlationId: "c-2" });
  });
});
