import bots from "./bots.json";
import costs from "./costs.json";
import entry from "./entry.json";
import home from "./home.json";
import library from "./library.json";
import listening from "./listening.json";
import live from "./live.json";
import server from "./server.json";
import settings from "./settings.json";
import shell from "./shell.json";
import status from "./status.json";
import talk from "./talk.json";
import transcribe from "./transcribe.json";
import turns from "./turns.json";

export default {
  ...bots,
  ...costs,
  ...entry,
  ...home,
  ...library,
  ...listening,
  ...live,
  ...server,
  ...settings,
  ...shell,
  ...status,
  ...talk,
  ...transcribe,
  ...turns,
};
