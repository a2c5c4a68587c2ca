import type { FormEvent } from "react";

/** What was written into the fields of a form that is being sent, by their names. */
export function written(event: FormEvent<HTMLFormElement>): (name: string) => string {
  event.preventDefault();
  const form = new FormData(event.currentTarget);
  return (name) => {
    const value = form.get(name);
    return typeof value === "string" ? value : "";
  };
}
