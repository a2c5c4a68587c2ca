import { Button, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useActiveSpace, useMe } from "../../api/session";
import { useFormat } from "../../i18n/format";
import { type FacetValue, useFacets } from "./facets";
import { filtersSet, kinds, type Kind, type LibrarySearch } from "./filters";
import { peopleQuery } from "./hall";
import classes from "./Library.module.css";

interface FilterRailProps {
  search: LibrarySearch;
  onLook: (search: LibrarySearch) => void;
}

const SHOWN = 8;
const MONTHS = 6;
/** A reference that tells a reader nothing while nobody has said what its person is called. */
const MACHINES_NAME = /^demo:|^[\da-f]{8}-[\da-f-]{27}$/i;
const lengths = [
  ["short", undefined, 5],
  ["middle", 5, 30],
  ["long", 30, undefined],
] as const;

type Listed = "kind" | "language" | "tag";
type Single = "speaker" | "person" | "engine";

/** What is known of conversations, with how many of those found each would leave. */
export function FilterRail({ search, onLook }: FilterRailProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const facets = useFacets(search);

  const set = (change: { [K in keyof LibrarySearch]?: LibrarySearch[K] | undefined }) => {
    const next = Object.entries({ ...search, ...change }).filter(([, value]) => value !== undefined);
    onLook(Object.fromEntries(next));
  };
  const toggle = (name: Listed, value: string) => {
    const had: readonly string[] = search[name] ?? [];
    const next = had.includes(value) ? had.filter((one) => one !== value) : [...had, value];
    set({ [name]: next.length > 0 ? next : undefined });
  };
  const listed = (name: Listed, values: FacetValue[], word: (value: string) => string) => (
    <Choices values={values} chosen={search[name] ?? []} word={word} onToggle={(value) => toggle(name, value)} />
  );
  const single = (name: Single, values: FacetValue[], word = (value: string) => value) => (
    <Choices
      values={values}
      chosen={search[name] ? [search[name]] : []}
      word={word}
      onToggle={(value) => set({ [name]: search[name] === value ? undefined : value })}
    />
  );
  const space = useActiveSpace();
  const people = useQuery(peopleQuery(space?.id));
  const me = useMe();
  const personName = (reference: string) =>
    people.data?.items.find((one) => one.reference === reference)?.name ||
    (reference === me.user.id ? me.user.name : reference);
  const persons = facets.people.filter(
    ({ value }) => value === search.person || personName(value) !== value || !MACHINES_NAME.test(value),
  );
  const kindValues = kinds
    .map((value) => ({ value, count: countOf(facets.kinds, value) }))
    .filter(({ value, count }) => facets.conversations === null || count !== 0 || search.kind?.includes(value));
  return (
    <section className={classes.filters} aria-label={t("library.filters")}>
      <Group title={t("library.by.kind")}>
        {listed("kind", kindValues, (value) => t(`library.kinds.${value as Kind}`))}
      </Group>
      <Offered title={t("library.by.language")} values={facets.languages}>
        {listed("language", facets.languages, format.language)}
      </Offered>
      <Offered title={t("library.by.tag")} values={facets.tags}>
        {listed("tag", facets.tags, (value) => value)}
      </Offered>
      <Offered title={t("library.by.speaker")} values={facets.speakers}>
        {single("speaker", facets.speakers)}
      </Offered>
      <Offered title={t("library.by.person")} values={persons}>
        {single("person", persons, personName)}
      </Offered>
      <Offered title={t("library.by.engine")} values={facets.engines}>
        {single("engine", facets.engines)}
      </Offered>
      <Group title={t("library.by.length")}>
        {lengths.map(([word, shortest, longest]) => {
          const chosen = search.shortest === shortest && search.longest === longest;
          return (
            <Choice key={word} chosen={chosen} onToggle={() => set(chosen ? noLength : { shortest, longest })}>
              {t(`library.lengths.${word}`)}
            </Choice>
          );
        })}
      </Group>
      <Offered title={t("library.by.month")} values={facets.months}>
        <Choices
          values={facets.months.slice(-MONTHS).reverse()}
          chosen={facets.months.map(({ value }) => value).filter((month) => daysOf(month).since === search.since)}
          word={format.month}
          onToggle={(month) => set(daysOf(month).since === search.since ? noDays : daysOf(month))}
        />
      </Offered>
      <Group title={t("library.by.day")}>
        <TextInput
          size="xs"
          type="date"
          label={t("library.since")}
          value={search.since ?? ""}
          onChange={(event) => set({ since: event.currentTarget.value || undefined })}
        />
        <TextInput
          size="xs"
          type="date"
          label={t("library.until")}
          value={search.until ?? ""}
          onChange={(event) => set({ until: event.currentTarget.value || undefined })}
        />
      </Group>
      {filtersSet(search) > 0 && (
        <Button variant="subtle" size="sm" onClick={() => onLook(search.q ? { q: search.q } : {})}>
          {t("library.clear")}
        </Button>
      )}
    </section>
  );
}

const noDays = { since: undefined, until: undefined };
const noLength = { shortest: undefined, longest: undefined };

const countOf = (values: FacetValue[], wanted: string) => values.find(({ value }) => value === wanted)?.count ?? 0;

/** The first and the last day of a month written as 2026-03. */
function daysOf(month: string): { since: string; until: string } {
  const [year = 0, number = 0] = month.split("-").map(Number);
  const last = new Date(Date.UTC(year, number, 0)).getUTCDate();
  return { since: `${month}-01`, until: `${month}-${String(last).padStart(2, "0")}` };
}

function Group({ title, children }: { title: string; children: ReactNode }) {
  return (
    <fieldset className={classes.group}>
      <legend>{title}</legend>
      {children}
    </fieldset>
  );
}

/** A group only where there is something to choose. */
function Offered({ title, values, children }: { title: string; values: FacetValue[]; children: ReactNode }) {
  return values.length > 0 ? <Group title={title}>{children}</Group> : null;
}

interface ChoicesProps {
  values: readonly FacetValue[];
  chosen: readonly string[];
  word: (value: string) => string;
  onToggle: (value: string) => void;
}

function Choices({ values, chosen, word, onToggle }: ChoicesProps) {
  const known = new Set(values.map(({ value }) => value));
  const gone = chosen.filter((value) => !known.has(value)).map((value) => ({ value, count: null }));
  return [...gone, ...values.slice(0, SHOWN)].map(({ value, count }) => (
    <Choice key={value} chosen={chosen.includes(value)} count={count} onToggle={() => onToggle(value)}>
      {word(value)}
    </Choice>
  ));
}

interface ChoiceProps {
  chosen: boolean;
  count?: number | null;
  onToggle: () => void;
  children: string;
}

function Choice({ chosen, count = null, onToggle, children }: ChoiceProps) {
  const format = useFormat();
  return (
    <button type="button" className={classes.choice} aria-pressed={chosen} onClick={onToggle}>
      <span title={children}>{children}</span>
      {count !== null && <span className={classes.count}>{format.number(count)}</span>}
    </button>
  );
}
