import entry from "./entry.json";
import home from "./home.json";
import library from "./library.json";
import listening from "./listening.json";
import live from "./live.json";
import settings from "./settings.json";
import shell from "./shell.json";
import status from "./status.json";
import transcribe from "./transcribe.json";

export default {
  ...entry,
  ...home,
  ...library,
  ...listening,
  ...live,
  ...settings,
  ...shell,
  ...status,
  ...transcribe,
};
