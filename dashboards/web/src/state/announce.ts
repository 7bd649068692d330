// Words for screen readers when alarms come; a flood is told as a number, not as a list.
import { ref } from "vue";
import type { AlarmView } from "../api/types.ts";
import { words } from "../catalogue.ts";

const SPOKEN = 3;

export const announcement = ref("");

export function announce(alarms: readonly AlarmView[]): void {
  if (alarms.length === 0) return;
  const spoken = alarms
    .slice(0, SPOKEN)
    .map((alarm) => `${words[alarm.priority].zh} ${alarm.title.zh} ${alarm.title.en}`);
  if (alarms.length > SPOKEN) spoken.push(`+${alarms.length - SPOKEN}`);
  announcement.value = spoken.join("；");
}
