import { Button, Checkbox, Select, Textarea, TextInput } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { spokenLanguages, useFormat } from "../../i18n/format";
import classes from "./Bots.module.css";
import type { BotDefinition } from "./bots";

type Tool = NonNullable<BotDefinition["tools"]>[number];

interface FieldsProps {
  bot: BotDefinition;
  onChange: (part: Partial<BotDefinition>) => void;
}

const AUTO = "auto";
const chainOf = (text: string) =>
  text
    .split(",")
    .map((part) => part.trim())
    .filter(Boolean);

/** Everything a person writes of a bot. */
export function Fields({ bot, onChange }: FieldsProps) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <>
      <div className={classes.pair}>
        <TextInput
          required
          label={t("bots.name")}
          value={bot.name}
          maxLength={120}
          onChange={(event) => onChange({ name: event.currentTarget.value })}
        />
        <Select
          searchable
          label={t("bots.language")}
          value={bot.language ?? AUTO}
          allowDeselect={false}
          onChange={(language) => onChange({ language: language === AUTO ? null : language })}
          data={[
            { value: AUTO, label: t("bots.anyLanguage") },
            ...spokenLanguages.map((code) => ({ value: code, label: format.language(code) })),
          ]}
        />
      </div>
      <Textarea
        autosize
        minRows={3}
        label={t("bots.persona")}
        description={t("bots.personaHint")}
        value={bot.persona ?? ""}
        onChange={(event) => onChange({ persona: event.currentTarget.value })}
      />
      <TextInput
        label={t("bots.greeting")}
        description={t("bots.greetingHint")}
        value={bot.greeting ?? ""}
        onChange={(event) => onChange({ greeting: event.currentTarget.value })}
      />
      <Engines bot={bot} onChange={onChange} />
      <Textarea
        autosize
        minRows={10}
        maxRows={30}
        spellCheck={false}
        className={classes.script ?? ""}
        label={t("bots.script")}
        description={t("bots.scriptHint")}
        value={bot.script ?? ""}
        onChange={(event) => onChange({ script: event.currentTarget.value })}
      />
      <Checkbox
        label={t("bots.maySearch")}
        description={t("bots.maySearchHint")}
        checked={bot.may_search ?? false}
        onChange={(event) => onChange({ may_search: event.currentTarget.checked })}
      />
      <Tools bot={bot} onChange={onChange} />
    </>
  );
}

function Engines({ bot, onChange }: FieldsProps) {
  const { t } = useTranslation();
  const chain = (name: "stt" | "llm" | "tts", label: string, hint: string) => (
    <TextInput
      label={label}
      description={hint}
      placeholder={t("bots.serversOwn")}
      defaultValue={(bot[name] ?? []).join(", ")}
      onBlur={(event) => onChange({ [name]: chainOf(event.currentTarget.value) })}
    />
  );
  return (
    <>
      {chain("llm", t("bots.llm"), t("bots.llmHint"))}
      <div className={classes.pair}>
        {chain("stt", t("bots.stt"), t("bots.sttHint"))}
        {chain("tts", t("bots.tts"), t("bots.ttsHint"))}
        <TextInput
          label={t("bots.voice")}
          description={t("bots.voiceHint")}
          value={bot.voice ?? ""}
          onChange={(event) => onChange({ voice: event.currentTarget.value || null })}
        />
        <TextInput
          type="number"
          min={0.25}
          max={4}
          step={0.05}
          label={t("bots.speed")}
          description={t("bots.speedHint")}
          value={bot.speed ?? 1}
          onChange={(event) => onChange({ speed: Number(event.currentTarget.value) || 1 })}
        />
      </div>
    </>
  );
}

function Tools({ bot, onChange }: FieldsProps) {
  const { t } = useTranslation();
  const tools = bot.tools ?? [];
  const change = (at: number, part: Partial<Tool>) =>
    onChange({ tools: tools.map((tool, index) => (index === at ? { ...tool, ...part } : tool)) });
  const add = () =>
    onChange({
      tools: [...tools, { name: "", description: "", url: "", method: "GET", parameters: [], headers: {} }],
    });
  return (
    <>
      {tools.length > 0 && (
        <TextInput
          label={t("bots.hosts")}
          description={t("bots.hostsHint")}
          defaultValue={(bot.allowed_hosts ?? []).join(", ")}
          onBlur={(event) => onChange({ allowed_hosts: chainOf(event.currentTarget.value) })}
        />
      )}
      {tools.map((tool, index) => (
        <OneTool
          // a tool's name is being written: its place is what stays
          key={index}
          tool={tool}
          onChange={(part) => change(index, part)}
          onRemove={() => onChange({ tools: tools.filter((_, at) => at !== index) })}
        />
      ))}
      <div>
        <Button variant="default" size="sm" leftSection={<IconPlus size={16} aria-hidden="true" />} onClick={add}>
          {t("bots.addTool")}
        </Button>
      </div>
    </>
  );
}

interface OneToolProps {
  tool: Tool;
  onChange: (part: Partial<Tool>) => void;
  onRemove: () => void;
}

function OneTool({ tool, onChange, onRemove }: OneToolProps) {
  const { t } = useTranslation();
  const parameters = (tool.parameters ?? []).map((parameter) => parameter.name);
  const parse = (names: string[]) =>
    names.map(
      (name) =>
        tool.parameters?.find((parameter) => parameter.name === name) ?? {
          name,
          description: "",
          kind: "string" as const,
          required: true,
        },
    );
  return (
    <fieldset className={classes.tool}>
      <legend>{tool.name || t("bots.tool")}</legend>
      <div className={classes.pair}>
        <TextInput
          label={t("bots.toolName")}
          description={t("bots.toolNameHint")}
          value={tool.name}
          onChange={(event) => onChange({ name: event.currentTarget.value })}
        />
        <Select
          label={t("bots.toolMethod")}
          description={t("bots.toolMethodHint")}
          value={tool.method ?? "GET"}
          allowDeselect={false}
          onChange={(method) => onChange({ method: method === "POST" ? "POST" : "GET" })}
          data={["GET", "POST"]}
        />
      </div>
      <TextInput
        label={t("bots.toolUrl")}
        description={t("bots.toolUrlHint")}
        value={tool.url}
        onChange={(event) => onChange({ url: event.currentTarget.value })}
      />
      <TextInput
        label={t("bots.toolDescription")}
        value={tool.description ?? ""}
        onChange={(event) => onChange({ description: event.currentTarget.value })}
      />
      <div className={classes.pair}>
        <TextInput
          label={t("bots.toolParameters")}
          description={t("bots.toolParametersHint")}
          defaultValue={parameters.join(", ")}
          onBlur={(event) => onChange({ parameters: parse(chainOf(event.currentTarget.value)) })}
        />
        <TextInput
          label={t("bots.toolSecret")}
          description={t("bots.toolSecretHint")}
          type="password"
          autoComplete="off"
          value={tool.headers?.Authorization ?? ""}
          onChange={(event) => {
            const value = event.currentTarget.value;
            const { Authorization: _, ...others } = tool.headers ?? {};
            onChange({ headers: value ? { ...others, Authorization: value } : others });
          }}
        />
      </div>
      <div>
        <Button variant="subtle" color="quiet" size="sm" onClick={onRemove}>
          {t("bots.removeTool")}
        </Button>
      </div>
    </fieldset>
  );
}
