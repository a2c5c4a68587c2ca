import { Button } from "@mantine/core";
import { IconArrowRight, IconCircleCheckFilled } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { useMe } from "../../api/session";
import { doorsOf } from "../../shell/rooms";
import { List, Row } from "../../ui/List";
import { Page, Section } from "../../ui/Page";
import { RowSkeletons } from "../../ui/Skeletons";
import { RecentConversations } from "../library/Conversations";
import { RecentTranscriptions } from "../transcribe/Recent";
import classes from "./Home.module.css";
import { useNextSteps } from "./nextSteps";

function greeting(hour: number) {
  if (hour < 5) return "night" as const;
  if (hour < 12) return "morning" as const;
  return hour < 20 ? ("afternoon" as const) : ("evening" as const);
}

export function Home() {
  const { t } = useTranslation();
  const me = useMe();
  const doors = doorsOf(me.features);
  const name = me.user.name.split(" ")[0] ?? me.user.name;
  return (
    <Page title={t(`home.${greeting(new Date().getHours())}`, { name })} lead={t("home.lead")}>
      <div className={classes.doors}>
        {doors.map((door) => (
          <Link key={door.to} to={door.to} className={classes.door}>
            <span className={classes.icon} aria-hidden="true">
              <door.icon size={28} stroke={1.5} />
            </span>
            <span className={classes.name}>{t(`rooms.${door.word}`)}</span>
            <IconArrowRight size={22} aria-hidden="true" className={classes.arrow} />
            <span className={classes.what}>{t(`home.what.${door.word}`)}</span>
          </Link>
        ))}
      </div>
      {me.features.includes("library") && <RecentConversations />}
      <NextSteps />
      {!me.features.includes("library") && me.features.includes("transcribe") && <RecentTranscriptions />}
    </Page>
  );
}

function NextSteps() {
  const { t } = useTranslation();
  const { steps, pending } = useNextSteps();
  if (pending) return <RowSkeletons />;
  if (steps.every((step) => step.done)) return null;
  const next = steps.find((step) => !step.done);
  return (
    <Section title={t("home.next")} lead={t("home.nextLead")}>
      <List label={t("home.next")}>
        {steps.map((step, index) => (
          <Row
            key={step.name}
            quiet={step.done}
            start={
              step.done ? (
                <IconCircleCheckFilled size={28} className={classes.done} role="img" aria-label={t("home.done")} />
              ) : (
                <span className={classes.number} aria-hidden="true">
                  {index + 1}
                </span>
              )
            }
            name={t(`home.steps.${step.name}.title`)}
            facts={t(`home.steps.${step.name}.words`)}
            side={
              step.done ? undefined : (
                <Button component={Link} to={step.to} variant={step === next ? "filled" : "default"} size="sm">
                  {t(`home.steps.${step.name}.verb`)}
                </Button>
              )
            }
          />
        ))}
      </List>
    </Section>
  );
}
