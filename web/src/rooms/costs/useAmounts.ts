import { duration, useFormat } from "../../i18n/format";
import type { Measure } from "./usage";

/** Amounts of every measure, written as the reader writes them. */
export function useAmounts(currency: string) {
  const format = useFormat();
  return {
    write: (amount: number, measure: Measure) => {
      if (measure === "cost") return format.money(amount, currency);
      return measure === "seconds" ? duration(Math.round(amount)) : format.number(amount);
    },
  };
}
