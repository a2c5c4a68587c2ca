import entry from "./entry.json";
import home from "./home.json";
import listening from "./listening.json";
import settings from "./settings.json";
import shell from "./shell.json";
import status from "./status.json";
import transcribe from "./transcribe.json";

export default { ...entry, ...home, ...listening, ...settings, ...shell, ...status, ...transcribe };
