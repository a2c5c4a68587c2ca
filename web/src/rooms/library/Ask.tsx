import { Button, TextInput } from "@mantine/core";
import { type UseMutationResult } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ProblemNote } from "../../ui/ProblemNote";
import classes from "./Analysis.module.css";
import { Cite } from "./Cite";
import type { Answer, Citation } from "./understanding";

interface AskProps {
  ask: UseMutationResult<Answer, Error, string>;
  label: string;
  /** Whether the answer may rest on several conversations, so that each is named. */
  several?: boolean;
  onShow: (citation: Citation) => void;
}

interface Asked {
  question: string;
  answer: Answer;
}

/** What one may ask of anything that was said. */
const suggestions = ["agreed", "next", "wrong"] as const;

/** A question to what was said, answered with the words it rests on. */
export function Ask({ ask, label, several = false, onShow }: AskProps) {
  const { t } = useTranslation();
  const [question, setQuestion] = useState("");
  const [asked, setAsked] = useState<Asked[]>([]);
  const send = (words = question) => {
    const wanted = words.trim();
    if (wanted === "" || ask.isPending) return;
    ask.mutate(wanted, {
      onSuccess: (answer) => {
        setAsked((before) => [{ question: wanted, answer }, ...before]);
        setQuestion("");
      },
    });
  };
  return (
    <div className={classes.ask}>
      <form
        className={classes.askForm}
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        <TextInput
          label={label}
          placeholder={t("library.ask.example")}
          maxLength={1000}
          value={question}
          onChange={(event) => setQuestion(event.currentTarget.value)}
        />
        <Button type="submit" loading={ask.isPending}>
          {t("library.ask.send")}
        </Button>
      </form>
      {asked.length === 0 && (
        <ul className={classes.suggested} aria-label={t("library.ask.suggested")}>
          {suggestions.map((one) => (
            <li key={one}>
              <button type="button" disabled={ask.isPending} onClick={() => send(t(`library.ask.suggestions.${one}`))}>
                {t(`library.ask.suggestions.${one}`)}
              </button>
            </li>
          ))}
        </ul>
      )}
      <ProblemNote failure={ask.error} />
      <div className={classes.ask} aria-live="polite">
        {asked.map((one) => (
          <Answered key={asked.length - asked.indexOf(one)} {...one} several={several} onShow={onShow} />
        ))}
      </div>
    </div>
  );
}

function Answered({ question, answer, several, onShow }: Asked & Pick<AskProps, "onShow"> & { several: boolean }) {
  const { t } = useTranslation();
  return (
    <section className={classes.answer}>
      <h3 className={classes.asked}>{question}</h3>
      {answer.answer && <p className={classes.summary}>{answer.answer}</p>}
      {!answer.said && <p className={classes.versionFacts}>{t("library.ask.notSaid")}</p>}
      {answer.said && !answer.answer && <p className={classes.versionFacts}>{t("library.ask.passages")}</p>}
      {answer.citations.map((citation) => (
        <Cite
          key={`${citation.transcript_id} ${citation.utterance_id} ${citation.quote}`}
          cited={citation}
          {...(several && { title: citation.title })}
          onShow={() => onShow(citation)}
        />
      ))}
    </section>
  );
}
