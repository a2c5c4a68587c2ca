import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../i18n/format";
import { Section } from "../../ui/Page";
import classes from "./Costs.module.css";
import { pricesQuery } from "./usage";

/** Units that are shown by more than one of them, so that prices can be compared. */
const shown = {
  seconds: 3600,
  tokens_in: 1_000_000,
  tokens_out: 1_000_000,
  characters: 1_000_000,
} as const;
type Unit = keyof typeof shown;

/** What engines cost, as the server's settings say. */
export function Prices() {
  const { t } = useTranslation();
  const format = useFormat();
  const prices = useQuery(pricesQuery);
  if (!prices.data) return null;
  const { currency, prices: listed } = prices.data;
  const rows = Object.entries(listed).flatMap(([engine, units]) =>
    (Object.entries(units) as [Unit, string][]).map(([unit, price]) => ({ engine, unit, price: Number(price) })),
  );
  return (
    <Section title={t("costs.prices")} lead={t("costs.pricesLead")}>
      {rows.length > 0 && (
        <table className={classes.table}>
          <caption className="visually-hidden">{t("costs.prices")}</caption>
          <tbody>
            {rows.map(({ engine, unit, price }) => (
              <tr key={`${engine} ${unit}`}>
                <th scope="row">{engine}</th>
                <td>{t(`costs.per.${unit}`, { price: format.money(price * shown[unit], currency) })}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Section>
  );
}
